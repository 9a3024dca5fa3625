use super::super::super::op::text::compare;
use super::*;

mod vectors;

const READER: Aarch64 = Aarch64 {
    data: Endian::Little,
};

/// From Debian's `busybox` for arm64, and from zstd, with what `aarch64-linux-gnu-objdump -d` prints.
const REAL: &str = "
d12c f30b40f9 ldr x19, [sp, #16] => r19 = u8 [r31+16]
d0f8 f30b00f9 str x19, [sp, #16] => 8 [r31+16] = r19
d04c e50300aa mov x5, x0 => r5 = r0
8a40 dcffff17 b 89b0 => jump 0x89b0
8a20 d8ffff97 bl 8980 => call 0x8980
d1d4 9402178b add x20, x20, x23 => r20 = r20 + r23
8994 c0000054 b.eq 89ac => branch 0x89ac
d05c 800600d0 adrp x0, df000 => r0 = 0xdf000
1132c 15f07dd3 lsl x21, x0, #3 => r21 = (r0 << 3)
d27c 1f000071 cmp w0, #0x0 =>
d0ac c0035fd6 ret => return
d214 f55b41a9 ldp x21, x22, [sp, #16] => r21 = u8 [r31+16]; r22 = u8 [r31+24]
8c80 08040054 b.hi 8d00 => branch 0x8d00
d1b0 f55b01a9 stp x21, x22, [sp, #16] => 8 [r31+16] = r21; 8 [r31+24] = r22
dc24 61fcff54 b.ne dbb0 => branch 0xdbb0
d040 1f2003d5 nop =>
d0c0 210000cb sub x1, x1, x0 => r1 = r1 - r0
d170 421c0012 and w2, w2, #0xff => r2 = r2 & 0xff
d130 fd7bc2a8 ldp x29, x30, [sp], #32 => r29 = u8 [r31]; r30 = u8 [r31+8]; r31 = r31 + 0x20
d0f0 fd7bbea9 stp x29, x30, [sp, #-32]! => 8 [r31-32] = r29; 8 [r31-24] = r30; r31 = r31 + -0x20
da28 d6feff34 cbz w22, da00 => if r22 == 0 jump 0xda00
d168 22004039 ldrb w2, [x1] => r2 = u1 [r1]
da4c 20020035 cbnz w0, da90 => if r0 != 0 jump 0xda90
8f00 69180054 b.ls 920c => branch 0x920c
28ff4 e02780b9 ldrsw x0, [sp, #36] => r0 = i4 [r31+36]
da70 a000f836 tbz w0, #31, da84 => branch 0xda84
da10 947e4093 sxtw x20, w20 => r20 = r20 << 0x20; r20 = r20 >>> 0x20
35fb8 000080f9 prfm pldl1keep, [x0] =>
d1f4 737e0353 lsr w19, w19, #3 => r19 = r19 >> 0x3; r19 = r19 & 0x1fffffff
8cec 62000054 b.cs 8cf8 => branch 0x8cf8
d460 420001eb subs x2, x2, x1 => r2 = r2 - r1
9640 63fbff54 b.cc 95ac => branch 0x95ac
d600 01000039 strb w1, [x0] => 1 [r0] = r1
dc68 2001f837 tbnz w0, #31, dc8c => branch 0xdc8c
2a958 e0979f1a cset w0, hi => r0 = ?
8d50 6d000054 b.le 8d5c => branch 0x8d5c
ee8c 602e0079 strh w0, [x19, #22] => 2 [r19+22] = r0
d9f4 ac010054 b.gt da28 => branch 0xda28
d228 806a6138 ldrb w0, [x20, x1] => r0 = u1 [r20+r1]
12938 000003aa orr x0, x0, x3 => r0 = r0 | r3
daf8 e07a60f8 ldr x0, [x23, x0, lsl #3] => r0 = u8 [r23+(r0 << 3)]
d0cc 21fc4193 asr x1, x1, #1 => r1 = r1 >>> 0x1
128e0 007c039b mul x0, x0, x3 => r0 = r0 * r3
ff98 f30302cb neg x19, x2 => r33 = 0x0; r19 = r33 - r2
5aff4 208c206e cmeq v0.16b, v1.16b, v0.16b => r34 = ?; r35 = ?
d1cc b41a4079 ldrh w20, [x21, #12] => r20 = u2 [r21+12]
de58 9f060031 cmn w20, #0x1 =>
ecd8 0090811a csel w0, w0, w1, ls => r0 = ?
e9b0 6408c11a udiv w4, w3, w1 => r4 = ?
1cec0 247822f8 str x4, [x1, x2, lsl #3] => 8 [r1+(r2 << 3)] = r4
12690 000002ca eor x0, x0, x2 => r0 = r0 ^ r2
d314 fe0f1ff8 str x30, [sp, #-16]! => 8 [r31-16] = r30; r31 = r31 + -0x10
d33c fe0741f8 ldr x30, [sp], #16 => r30 = u8 [r31]; r31 = r31 + 0x10
d920 40003fd6 blr x2 => call r2
5b010 00840c0f shrn v0.8b, v0.8h, #4 => r34 = ?; r35 = ?
5b254 20440f6f sri v0.16b, v1.16b, #1 => r34 = ?; r35 = ?
1113c 4afcff54 b.ge 110c4 => branch 0x110c4
e4d0 01682238 strb w1, [x0, x2] => 1 [r0+r2] = r1
a9e34 c07ed39b umulh x0, x22, x19 => r0 = ?
100dc a2835ff8 ldur x2, [x29, #-8] => r2 = u8 [r29-8]
5afd8 0004014e dup v0.16b, v0.b[0] => r34 = r34 & 0xff; r34 = r34 * 0x101010101010101; r35 = r34
10428 7f02146a tst w19, w20 =>
ff88 a1831ff8 stur x1, [x29, #-8] => 8 [r29-8] = r1
10034 cbfcff54 b.lt ffcc => branch 0xffcc
1c090 3c7c7e93 sbfiz x28, x1, #2, #32 => r28 = r1 << 0x20; r28 = r28 >>> 0x1e
d198 008843d3 ubfx x0, x0, #3, #32 => r0 = r0 >> 0x3; r0 = r0 & 0xffffffff
e9b4 838c011b msub w3, w4, w1, w3 => r3 = ?
22e34 2204c05a rev16 w2, w1 => r2 = r1 swap 0x2; r2 = r2 & 0xffffffff
e9d8 04140038 strb w4, [x0], #1 => 1 [r0] = r4; r0 = r0 + 0x1
1b3e4 73067cd3 ubfiz x19, x19, #4, #2 => r19 = r19 & 0x3; r19 = r19 << 0x4
d368 e003202a mvn w0, w0 => r32 = r0 ^ -0x1; r0 = r32 & 0xffffffff
5b06c 00a4004c st1 {v0.8h, v1.8h}, [x0] => 8 [r0] = r34; 8 [r0+8] = r35; 8 [r0+16] = r36; 8 [r0+24] = r37
25200 f70ac05a rev w23, w23 => r23 = r23 swap 0x4; r23 = r23 & 0xffffffff
10be4 0004029b madd x0, x0, x2, x1 => r0 = ?
1f6bc 608e40f8 ldr x0, [x19, #8]! => r0 = u8 [r19+8]; r19 = r19 + 0x8
d240 80164038 ldrb w0, [x20], #1 => r0 = u1 [r20]; r20 = r20 + 0x1
d0a8 00021fd6 br x16 => jump r16
1ce24 20f35f38 ldurb w0, [x25, #-1] => r0 = u1 [r25-1]
d71c 0410427a ccmp w0, w2, #0x4, ne =>
a4610 4073a7f2 movk x0, #0x3b9a, lsl #16 => r0[16:16] = 0x3b9a
17444 63000010 adr x3, 17450 => r3 = 0x17450
ee24 0004004f movi v0.4s, #0x0 => r34 = 0x0; r35 = 0x0
e574 02e01f38 sturb w2, [x0, #-2] => 1 [r0-2] = r2
d7d8 810ec11a sdiv w1, w20, w1 => r1 = ?
17440 00586378 ldrh w0, [x0, w3, uxtw #1] => r32 = r3 & 0xffffffff; r0 = u2 [r0+(r32 << 1)]
";

/// Assembled with `aarch64-linux-gnu-as`: what those programs do not have, or not in the one place.
const ASSEMBLED: &str = "
410000 fd7bbea9 stp x29, x30, [sp, #-32]! => 8 [r31-32] = r29; 8 [r31-24] = r30; r31 = r31 + -0x20
410004 fd030091 mov x29, sp => r29 = r31
410008 00000090 adrp x0, 410000 => r0 = 0x410000
41000c e10a0010 adr x1, 410168 => r1 = 0x410168
410010 008c0491 add x0, x0, #0x123 => r0 = r0 + 0x123
410014 00044091 add x0, x0, #0x1, lsl #12 => r0 = r0 + 0x1000
410018 800a0058 ldr x0, 410168 => r0 = u8 [0x410168]
41001c 610a0018 ldr w1, 410168 => r1 = u4 [0x410168]
410020 420a0098 ldrsw x2, 410168 => r2 = i4 [0x410168]
410024 8046a252 mov w0, #0x12340000 => r0 = 0x12340000
410028 00cf8a72 movk w0, #0x5678 => r0[0:16] = 0x5678; r0 = r0 & 0xffffffff
41002c 00008092 mov x0, #0xffffffffffffffff => r0 = -0x1
410030 21008012 mov w1, #0xfffffffe => r1 = 0xfffffffe
410034 e0db00b2 mov x0, #0x7f7f7f7f7f7f7f7f => r0 = 0x7f7f7f7f7f7f7f7f
410038 e09f0032 mov w0, #0xff00ff => r0 = 0xff00ff
41003c 41cc7492 and x1, x2, #0xfffffffffffff000 => r1 = r2 & -0x1000
410040 e0030091 mov x0, sp => r0 = r31
410044 e003012a mov w0, w1 => r0 = r1 & 0xffffffff
410048 e01321aa mvn x0, x1, lsl #4 => r32 = (r1 << 4); r32 = r32 ^ -0x1; r0 = r32
41004c e04b218b add x0, sp, w1, uxtw #2 => r32 = r1 & 0xffffffff; r0 = r31 + (r32 << 2)
410050 208022cb sub x0, x1, w2, sxtb => r32 = r2 << 0x38; r32 = r32 >>> 0x38; r0 = r1 - r32
410054 ff4300d1 sub sp, sp, #0x10 => r31 = r31 - 0x10
410058 200002eb subs x0, x1, x2 => r0 = r1 - r2
41005c 206c1c53 lsl w0, w1, #4 => r0 = (r1 << 4); r0 = r0 & 0xffffffff
410060 20fc44d3 lsr x0, x1, #4 => r0 = r1 >> 0x4
410064 207c0313 asr w0, w1, #3 => r0 = r1 << 0x20; r0 = r0 >>> 0x23; r0 = r0 & 0xffffffff
410068 201c4093 sxtb x0, w1 => r0 = r1 << 0x38; r0 = r0 >>> 0x38
41006c 201c1c53 ubfiz w0, w1, #4, #8 => r0 = r1 & 0xff; r0 = r0 << 0x4
410070 201c1c33 bfi w0, w1, #4, #8 => r0[4:8] = r1; r0 = r0 & 0xffffffff
410074 e01f7cb3 bfc x0, #4, #8 => r0[4:8] = 0x0
410078 2020c293 extr x0, x1, x2, #8 => r32 = r2 >> 0x8; r0 = r32 | (r1 << 56)
41007c 2020c29a lsl x0, x1, x2 => r32 = r2 & 0x3f; r0 = r1 << r32
410080 2020c21a lsl w0, w1, w2 => r32 = r2 & 0x1f; r0 = r1 << r32; r0 = r0 & 0xffffffff
410084 207c429b smulh x0, x1, x2 => r0 = ?
410088 2004829a csinc x0, x1, x2, eq => r0 = ?
41008c 000440a9 ldp x0, x1, [x0] => r1 = u8 [r0+8]; r0 = u8 [r0]
410090 4004c168 ldpsw x0, x1, [x2], #8 => r0 = i4 [r2]; r1 = i4 [r2+4]; r2 = r2 + 0x8
410094 e007c1ac ldp q0, q1, [sp], #32 => r34 = u8 [r31]; r35 = u8 [r31+8]; r36 = u8 [r31+16]; r37 = u8 [r31+24]; r31 = r31 + 0x20
410098 e007bfad stp q0, q1, [sp, #-32]! => 8 [r31-32] = r34; 8 [r31-24] = r35; 8 [r31-16] = r36; 8 [r31-8] = r37; r31 = r31 + -0x20
41009c e827016d stp d8, d9, [sp, #16] => 8 [r31+16] = ?; 8 [r31+24] = ?
4100a0 40040028 stnp w0, w1, [x2] => 4 [r2] = r0; 4 [r2+4] = r1
4100a4 1f0400b9 str wzr, [x0, #4] => 4 [r0+4] = 0x0
4100a8 0078a13c str q0, [x0, x1, lsl #4] => 8 [r0+(r1 << 4)] = r34; 8 [r0+8+(r1 << 4)] = r35
4100ac 20482238 strb w0, [x1, w2, uxtw] => r32 = r2 & 0xffffffff; 1 [r1+r32] = r0
4100b0 20d862f8 ldr x0, [x1, w2, sxtw #3] => r32 = r2 << 0x20; r32 = r32 >>> 0x20; r0 = u8 [r1+(r32 << 3)]
4100b4 2014c038 ldrsb w0, [x1], #1 => r0 = i1 [r1]; r0 = r0 & 0xffffffff; r1 = r1 + 0x1
4100b8 20ec9f78 ldrsh x0, [x1, #-2]! => r0 = i2 [r1-2]; r1 = r1 + -0x2
4100bc 208440fc ldr d0, [x1], #8 => r34 = u8 [r1]; r35 = 0x0; r1 = r1 + 0x8
4100c0 000480f9 prfm pldl1keep, [x0, #8] =>
4100c4 207c5f88 ldxr w0, [x1] => r0 = ?
4100c8 40847fc8 ldaxp x0, x1, [x2] => r0 = ?; r1 = ?
4100cc 41fc00c8 stlxr w0, x1, [x2] => 8 [r2] = ?; r0 = ?
4100d0 610820c8 stxp w0, x1, x2, [x3] => 16 [r3] = ?; r0 = ?
4100d4 20fcdfc8 ldar x0, [x1] => r0 = u8 [r1]
4100d8 20fc9f88 stlr w0, [x1] => 4 [r1] = r0
4100dc 417ca0c8 cas x0, x1, [x2] => 8 [r2] = ?; r0 = ?
4100e0 827c2048 casp x0, x1, x2, x3, [x4] => 16 [r4] = ?; r0 = ?; r1 = ?
4100e4 410020b8 ldadd w0, w1, [x2] => 4 [r2] = ?; r1 = ?
4100e8 4180e0f8 swpal x0, x1, [x2] => 8 [r2] = ?; r1 = ?
4100ec 3f0020f8 stadd x0, [x1] => 8 [r1] = ?
4100f0 00209f4c st1 {v0.16b-v3.16b}, [x0], #64 => 8 [r0] = r34; 8 [r0+8] = r35; 8 [r0+16] = r36; 8 [r0+24] = r37; 8 [r0+32] = r38; 8 [r0+40] = r39; 8 [r0+48] = r40; 8 [r0+56] = r41; r0 = r0 + 0x40
4100f4 00b0810d st3 {v0.s-v2.s}[1], [x0], x1 => 12 [r0] = ?; r0 = r0 + r1
4100f8 0084004d st1 {v0.d}[1], [x0] => 8 [r0] = r35
4100fc 00c8df4d ld1r {v0.4s}, [x0], #4 => r34 = u4 [r0]; r34 = r34 & 0xffffffff; r34 = r34 * 0x100000001; r35 = r34; r0 = r0 + 0x4
410100 0000669e fmov x0, d0 => r0 = r34
410104 0000679e fmov d0, x0 => r34 = r0; r35 = 0x0
410108 0000381e fcvtzs w0, s0 => r0 = ?
41010c 00f0599e fcvtzu x0, d0, #4 => r0 = ?
410110 003c060e umov w0, v0.h[1] => r0 = r34 >> 0x10; r0 = r0 & 0xffff
410114 002c074e smov x0, v0.b[3] => r0 = r34 << 0x20; r0 = r0 >>> 0x38
410118 001c184e mov v0.d[1], x0 => r35 = r0
41011c 60020034 cbz w0, 410168 => if r0 == 0 jump 0x410168
410120 400200b5 cbnz x0, 410168 => if r0 != 0 jump 0x410168
410124 200240b6 tbz x0, #40, 410168 => branch 0x410168
410128 b6ffff97 bl 410000 => call 0x410000
41012c 60003fd6 blr x3 => call r3
410130 20021fd6 br x17 => jump r17
410134 c0035fd6 ret => return
410138 60005fd6 ret x3 => return
41013c ff0b5fd6 retaa => return
410140 3f2303d5 paciasp => r30 = ?
410144 5f2403d5 bti c =>
410148 010000d4 svc #0x0 => system call
41014c 200020d4 brk #0x1 => stop
410150 00000000 udf #0 => stop
410154 020000d4 hvc #0x0 => r0 = ?; r1 = ?; r2 = ?; r3 = ?; r4 = ?; r5 = ?; r6 = ?; r7 = ?; r8 = ?; r9 = ?; r10 = ?; r11 = ?; r12 = ?; r13 = ?; r14 = ?; r15 = ?; r16 = ?; r17 = ?
410158 40d03bd5 mrs x0, tpidr_el0 => r0 = ?
41015c 40d01bd5 msr tpidr_el0, x0 =>
410160 20740bd5 dc zva, x0 => 127 [r0-63] = ?
410164 201420d9 stg x0, [x1], #16 => 255 [r1] = ?; r0 = ?; r1 = ?
410168 1f2003d5 nop =>
";

#[test]
fn instructions_are_read_as_objdump_prints_them() {
    compare(&READER, REAL);
    compare(&READER, ASSEMBLED);
}

#[test]
fn first_instructions_of_functions_are_known() {
    let first: &[&[u8]] = &[
        &[0xfd, 0x7b, 0xbe, 0xa9],
        &[0x3f, 0x23, 0x03, 0xd5],
        &[0x5f, 0x24, 0x03, 0xd5],
        &[0xfe, 0x0f, 0x1f, 0xf8],
        &[0xf3, 0x5b, 0xbf, 0xa9],
        &[0xff, 0x43, 0x03, 0xd1, 0xfd, 0x7b, 0x01, 0xa9],
    ];
    let other: &[&[u8]] = &[
        &[0xfd, 0x7b, 0xc2, 0xa8],
        &[0x1f, 0x20, 0x03, 0xd5],
        &[0xff, 0x43, 0x03, 0xd1],
        &[0xff, 0x43, 0x03, 0xd1, 0x1f, 0x20, 0x03, 0xd5],
        &[0xfd, 0x7b, 0xbe],
        &[0xfd, 0x7b, 0x01, 0xa9],
    ];
    assert!(first.iter().all(|code| READER.is_prologue(code)));
    assert!(!other.iter().any(|code| READER.is_prologue(code)));
}

#[test]
fn any_words_are_read_within_their_bounds() {
    let (mut state, mut ops) = (0x1234_5678_u32, Vec::new());
    for index in 0..1_000_000_u32 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        // Every upper half is tried, with what is random below it, and every lower half.
        let word = match index {
            0..0x1_0000 => index << 16 | state & 0xffff,
            0x1_0000..0x2_0000 => index << 16 | index & 0xffff,
            _ => state,
        };
        let code = word.to_le_bytes();
        for reader in [READER] {
            let mut mode = index.to_le_bytes()[0];
            for end in 0..=4 {
                ops.clear();
                let at = if index & 1 == 0 {
                    0xffff_fffc
                } else {
                    u64::MAX << 12
                };
                let length = reader.decode(&code[..end], at, &mut mode, &mut ops);
                assert!(
                    length.is_none_or(|length| length == 4 && end == 4),
                    "{word:#x}"
                );
                assert!(length.is_some() || ops.is_empty(), "{word:#x}");
                assert!(ops.iter().all(is_sound), "{word:#x} {ops:?}");
            }
        }
    }
}

/// No register is written that is none.
fn is_sound(op: &Op) -> bool {
    match *op {
        Op::Set(into, _)
        | Op::Compute(into, ..)
        | Op::Insert { into, .. }
        | Op::Load { into, .. }
        | Op::Forget(into) => usize::from(into.0) < Register::COUNT,
        _ => true,
    }
}
