use super::super::super::op::text::compare;
use super::*;

use super::super::super::op::{Register, Target};
use super::super::arm::effects;

const LITTLE: Thumb = Thumb {
    endian: Endian::Little,
};

/// From Debian's `busybox` for armhf, and from zstd, with what `arm-linux-gnueabihf-objdump -d` prints.
const REAL: &str = "
6774 8946 mov r9, r1 => r9 = r1
6a2e ab42 cmp r3, r5 =>
6790 1b68 ldr r3, [r3, #0] => r3 = u4 [r3]
6776 6e4a ldr r2, [pc, #440] => r2 = u4 [0x6930]
6782 7a44 add r2, pc => r2 = r2 + 0x6786
6798 6ef06df9 bl 74a76 => call 0x74a77
686e 0892 str r2, [sp, #32] => 4 [r13+32] = r2
68fc 6fe7 b.n 67de => jump 0x67df
6ac8 0430 adds r0, #4 => r0 = r0 + 0x4
70f6 1a44 add r2, r3 => r2 = r2 + r3
6934 a805 lsls r0, r5, #22 => r0 = (r5 << 22)
6814 73d1 bne.n 68fe => branch 0x68fe
6caa 1978 ldrb r1, [r3, #0] => r1 = u1 [r3]
6d34 6e1a subs r6, r5, r1 => r6 = r5 - r1
678c d358 ldr r3, [r2, r3] => r3 = u4 [r2+r3]
6a22 65b1 cbz r5, 6a3e => if r5 == 0 jump 0x6a3e
6804 a8eb010a sub.w sl, r8, r1 => r10 = r8 - r1
68ac 1fb9 cbnz r7, 68b6 => if r7 != 0 jump 0x68b6
6986 2273 strb r2, [r4, #12] => 1 [r4+12] = r2
6d18 340a lsrs r4, r6, #8 => r4 = r6 >> 0x8
7010 f8b5 push {r3, r4, r5, r6, r7, lr} => 4 [r13-24] = r3; 4 [r13-20] = r4; 4 [r13-16] = r5; 4 [r13-12] = r6; 4 [r13-8] = r7; 4 [r13-4] = r14; r13 = r13 - 0x18
6a28 40f66303 movw r3, #2147 => r3 = 0x863
68ee 5a40 eors r2, r3 => r2 = r2 ^ r3
969e b0fa80f3 clz r3, r0 => r3 = ?
6fa2 00bf nop =>
108d8 03fa0cf3 lsl.w r3, r3, ip => r3 = r3 << r12
70bc f8bd pop {r3, r4, r5, r6, r7, pc} => r3 = u4 [r13]; r4 = u4 [r13+4]; r5 = u4 [r13+8]; r6 = u4 [r13+12]; r7 = u4 [r13+16]; r13 = r13 + 0x18; return
93f4 c1f10009 rsb r9, r1, #0 => r33 = 0x0; r9 = r33 - r1
98d4 20fa02f0 lsr.w r0, r0, r2 => r0 = r0 >> r2
28544 c4f60600 movt r0, #18438 => r0[16:16] = 0x4806
7374 0bfb07f7 mul.w r7, fp, r7 => r7 = r11 * r7
6920 bde8f08f ldmia.w sp!, {r4, r5, r6, r7, r8, r9, sl, fp, pc} => r4 = u4 [r13]; r5 = u4 [r13+4]; r6 = u4 [r13+8]; r7 = u4 [r13+12]; r8 = u4 [r13+16]; r9 = u4 [r13+20]; r10 = u4 [r13+24]; r11 = u4 [r13+28]; r13 = r13 + 0x24; return
672c 90faa0f0 rbit r0, r0 => r0 = ?
6770 2de9f04f stmdb sp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr} => 4 [r13-36] = r4; 4 [r13-32] = r5; 4 [r13-28] = r6; 4 [r13-24] = r7; 4 [r13-20] = r8; 4 [r13-16] = r9; 4 [r13-12] = r10; 4 [r13-8] = r11; 4 [r13-4] = r14; r13 = r13 - 0x24
959e 8aea0003 eor.w r3, sl, r0 => r3 = r10 ^ r0
916a 4bf82400 str.w r0, [fp, r4, lsl #2] => 4 [r11+(r4 << 2)] = r0
9fd0 43ea0203 orr.w r3, r3, r2 => r3 = r3 | r2
6a9a 9a88 ldrh r2, [r3, #4] => r2 = u2 [r3+4]
6eae 03f00f03 and.w r3, r3, #15 => r3 = r3 & 0xf
69dc 0643 orrs r6, r0 => r6 = r6 | r0
6930 7212 asrs r2, r6, #9 => r2 = r6 >>> 0x9
6a34 02fb0300 mla r0, r2, r3, r0 => r0 = ?
6ac0 fff74ceb blx 615c => call 0x615c
8258 a0fb0800 umull r0, r0, r0, r8 => r0 = ?; r0 = ?
68ae 43f90f0a vst1.8 {d16-d17}, [r3] => 16 [r3] = ?
c212 6bf90f0a vld1.8 {d16-d17}, [fp] =>
193d0 1ef803f0 pld [lr, r3] =>
83d8 dde90b21 ldrd r2, r1, [sp, #44] => r2 = u4 [r13+44]; r1 = u4 [r13+48]
741a 0080 strh r0, [r0, #0] => 2 [r0] = r0
70f8 1047 bx r2 => jump r2
7662 cde90a23 strd r2, r3, [sp, #40] => 4 [r13+40] = r2; 4 [r13+44] = r3
7e72 bde8f04f ldmia.w sp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr} => r4 = u4 [r13]; r5 = u4 [r13+4]; r6 = u4 [r13+8]; r7 = u4 [r13+12]; r8 = u4 [r13+16]; r9 = u4 [r13+20]; r10 = u4 [r13+24]; r11 = u4 [r13+28]; r14 = u4 [r13+32]; r13 = r13 + 0x24
c1f4 23f00703 bic.w r3, r3, #7 => r3 = r3 & 0xfffffff8
7952 9b5c ldrb r3, [r3, r2] => r3 = u1 [r3+r2]
8958 cbb2 uxtb r3, r1 => r3 = r1 & 0xff
a888 d154 strb r1, [r2, r3] => 1 [r2+r3] = r1
7df2 54f8045f ldr.w r5, [r4, #4]! => r5 = u4 [r4+4]; r4 = r4 + 0x4
1560e 10f5807f cmn.w r0, #256 =>
9d26 12f8010f ldrb.w r0, [r2, #1]! => r0 = u1 [r2+1]; r2 = r2 + 0x1
7b88 42eb0102 adc.w r2, r2, r1 => r2 = ?
68a6 43f90d0a vst1.8 {d16-d17}, [r3]! => 16 [r3] = ?; r3 = r3 + 0x10
bac2 85e80700 stmia.w r5, {r0, r1, r2} => 4 [r5] = r0; 4 [r5+4] = r1; 4 [r5+8] = r2
c38a 6cf90d0a vld1.8 {d16-d17}, [ip]! => r12 = r12 + 0x10
babe 97e80700 ldmia.w r7, {r0, r1, r2} => r0 = u4 [r7]; r1 = u4 [r7+4]; r2 = u4 [r7+8]
6d08 4042 negs r0, r0 => r33 = 0x0; r0 = r33 - r0
7316 6ff00043 mvn.w r3, #2147483648 => r3 = 0x7fffffff
6b84 13f0020f tst.w r3, #2 =>
6b70 51f8042b ldr.w r2, [r1], #4 => r2 = u4 [r1]; r1 = r1 + 0x4
680e 18f8013b ldrb.w r3, [r8], #1 => r3 = u1 [r8]; r8 = r8 + 0x1
7eb2 c3f30723 ubfx r3, r3, #8, #8 => r3 = r3 >> 0x8; r3 = r3 & 0xff
7022 15f02005 ands.w r5, r5, #32 => r5 = r5 & 0x20
2ef56 02f26c72 addw r2, r2, #1900 => r2 = r2 + 0x76c
2d574 91f800f0 pld [r1] =>
8c2a 03f801ab strb.w sl, [r3], #1 => 1 [r3] = r10; r3 = r3 + 0x1
9fcc 3af81020 ldrh.w r2, [sl, r0, lsl #1] => r2 = u2 [r10+(r0 << 1)]
793c 60efe408 vadd.i32 q8, q8, q10 =>
8728 5c43 muls r4, r3 => r4 = r4 * r3
7904 40f8a83b str.w r3, [r0], #168 => 4 [r0] = r3; r0 = r0 + 0xa8
6cda 9bb2 uxth r3, r3 => r3 = r3 & 0xffff
156c4 07f8012f strb.w r2, [r7, #1]! => 1 [r7+1] = r2; r7 = r7 + 0x1
";

/// Assembled with `arm-linux-gnueabihf-as`: what those programs do not have, or not in the one place.
const ASSEMBLED: &str = "
10000 10b5 push {r4, lr} => 4 [r13-8] = r4; 4 [r13-4] = r14; r13 = r13 - 0x8
10002 10bd pop {r4, pc} => r4 = u4 [r13]; r13 = r13 + 0x8; return
10004 08bc pop {r3} => r3 = u4 [r13]; r13 = r13 + 0x4
10006 1847 bx r3 => jump r3
10008 f746 mov pc, lr => return
1000c 00bf nop =>
1000e 4df804ed str.w lr, [sp, #-4]! => 4 [r13-4] = r14; r13 = r13 - 0x4
10012 5df804fb ldr.w pc, [sp], #4 => r13 = r13 + 0x4; return
10016 dff804f0 ldr.w pc, [pc, #4] => jump [0x1001c]
1001a 5ff81030 ldr.w r3, [pc, #-16] => r3 = u4 [0x1000c]
1001e 0248 ldr r0, [pc, #8] => r0 = u4 [0x10028]
10020 aff22400 subw r0, pc, #36 => r0 = 0x10000
10024 0ff2c001 addw r1, pc, #192 => r1 = 0x100e8
10028 03f6a072 addw r2, r3, #4000 => r2 = r3 + 0xfa0
1002c a3f6a072 subw r2, r3, #4000 => r2 = r3 - 0xfa0
10030 4ff0ff10 mov.w r0, #16711935 => r0 = 0xff00ff
10034 4ff49070 mov.w r0, #288 => r0 = 0x120
10038 6ff00400 mvn.w r0, #4 => r0 = 0xfffffffb
1003c f846 mov r8, pc => r8 = 0x10040
1003e 6846 mov r0, sp => r0 = r13
10040 02a8 add r0, sp, #8 => r0 = r13 + 0x8
10042 86b0 sub sp, #24 => r13 = r13 - 0x18
10044 9d44 add sp, r3 => r13 = r13 + r3
10046 fff7dbff bl 10000 => call 0x10001
1004a 00f050e8 blx 100ec => call 0x100ec
1004e fff7d7bf b.w 10000 => jump 0x10001
10052 3ff4d5af beq.w 10000 => branch 0x10000
10056 9847 blx r3 => call r3
10058 dfe811f0 tbh [pc, r1, lsl #1] => r34 = ?; jump r34
1005c 00df svc 0 => system call
1005e 01de udf #1 => stop
10060 01be bkpt 0x0001 => stop
10062 f0f707a0 udf.w #7 => stop
10066 d0e90201 ldrd r0, r1, [r0, #8] => r1 = u4 [r0+12]; r0 = u4 [r0+8]
1006a 6de90423 strd r2, r3, [sp, #-16]! => 4 [r13-16] = r2; 4 [r13-12] = r3; r13 = r13 - 0x10
1006e d1e84f0f ldrexb r0, [r1] => r0 = u1 [r1]
10072 42e80110 strex r0, r1, [r2, #4] => r0 = ?; 4 [r2+4] = ?
10076 c2e8501f strexh r0, r1, [r2] => r0 = ?; 2 [r2] = ?
1007a 11f9040c ldrsb.w r0, [r1, #-4] => r0 = i1 [r1-4]
1007e d15e ldrsh r1, [r2, r3] => r1 = i2 [r2+r3]
10080 8850 str r0, [r1, r2] => 4 [r1+r2] = r0
10082 21f80209 strh.w r0, [r1], #-2 => 2 [r1] = r0; r1 = r1 - 0x2
10086 20e90600 stmdb r0!, {r1, r2} => 4 [r0-8] = r1; 4 [r0-4] = r2; r0 = r0 - 0x8
1008a 03c8 ldmia r0, {r0, r1} => r1 = u4 [r0+4]; r0 = u4 [r0]
1008c 06c0 stmia r0!, {r1, r2} => 4 [r0] = r1; 4 [r0+4] = r2; r0 = r0 + 0x8
1008e 61f30b10 bfi r0, r1, #4, #8 => r0[4:8] = r1
10092 6ff31720 bfc r0, #8, #16 => r0[8:16] = 0x0
10096 41f30710 sbfx r0, r1, #4, #8 => r0 = (r1 << 20); r0 = r0 >>> 0x18
1009a 4ffa91f0 sxtb.w r0, r1, ror #8 => r0 = (r1 << 16); r0 = r0 >>> 0x18
1009e 11fa82f0 uxtah r0, r1, r2 => r0 = ?
100a2 c1ea0210 pkhbt r0, r1, r2, lsl #4 => r0 = ?
100a6 61f00100 orn r0, r1, #1 => r0 = r1 | 0xfffffffe
100aa 81eae200 eor.w r0, r1, r2, asr #3 => r32 = r2 >>> 0x3; r0 = r1 ^ r32
100ae 60fa01f0 ror.w r0, r0, r1 => r0 = ?
100b2 41fa02f0 asr.w r0, r1, r2 => r0 = r1 >>> r2
100b6 82fb0301 smull r0, r1, r2, r3 => r0 = ?; r1 = ?
100ba 01fb1230 mls r0, r1, r2, r3 => r0 = ?
100be 82fa81f0 qadd r0, r1, r2 => r0 = ?
100c2 01f30700 ssat r0, #8, r1 => r0 = ?
100c6 eff30080 mrs r0, CPSR => r0 = ?
100ca 2ded048b vpush {d8-d9} => 16 [r13-16] = ?; r13 = r13 - 0x10
100ce b1ec020b vldmia r1!, {d0} => r1 = r1 + 0x8
100d2 8ded020b vstr d0, [sp, #8] => 8 [r13+8] = ?
100d6 10ee100a vmov r0, s0 => r0 = ?
100da 30ee100b vmov.32 r0, d0[1] => r0 = ?
100de 1dee703f mrc 15, 0, r3, cr13, cr0, {3} => r3 = ?
100e2 72b6 cpsid i =>
100e4 bff35b8f dmb ish =>
100e8 00bf nop =>
10008 7847 bx pc => jump 0x1000c
10000 08bf0120 it eq / moveq r0, #1 => r0 = ?
10004 14bf019802f8011b ite ne / ldrne r0, [sp, #4] / strbeq.w r1, [r2], #1 => r0 = ?; 1 [r2] = ?; r2 = ?
1000c bebf40180860fff7feff ittt lt / addlt r0, r0, r1 / strlt r0, [r1, #0] / bllt 10012 => r0 = ?; 4 [r1] = ?; call 0x10013
10016 08bf7047 it eq / bxeq lr =>
1001a 18bf10bd it ne / popne {r4, pc} =>
1001e 08bffff7febf it eq / beq.w 10020 => branch 0x10020
10024 0fbf00210121022203230424 iteee eq / moveq r1, #0 / movne r1, #1 / movne r2, #2 / movne r3, #3 / movs r4, #4 => r1 = ?; r1 = ?; r2 = ?; r3 = ?; r4 = 0x4
11000 08ba rev r0, r1 => r0 = r1 swap 0x4
11002 48ba rev16 r0, r1 => r0 = r1 swap 0x2
11004 c8ba revsh r0, r1 => r0 = r1 swap 0x2; r0 = (r0 << 16); r0 = r0 >>> 0x10
11006 91fa81f8 rev.w r8, r1 => r8 = r1 swap 0x4
1100a 91fa91f8 rev16.w r8, r1 => r8 = r1 swap 0x2
1100e 91fab1f8 revsh.w r8, r1 => r8 = r1 swap 0x2; r8 = (r8 << 16); r8 = r8 >>> 0x10
11012 91faa1f0 rbit r0, r1 => r0 = ?
";

#[test]
fn instructions_are_read_as_objdump_prints_them() {
    compare(&LITTLE, REAL);
    compare(&LITTLE, ASSEMBLED);
}

#[test]
fn old_big_endian_files_have_big_endian_instructions() {
    let big = Thumb {
        endian: Endian::Big,
    };
    let mut ops = Vec::new();
    assert_eq!(
        big.decode(&[0xf0, 0, 0xf8, 2], 0x8000, &mut 0, &mut ops),
        Some(4)
    );
    assert_eq!(ops, [Op::Call(Target::At(0x8009))]);
}

#[test]
fn first_instructions_of_functions_are_known() {
    let first: &[&[u8]] = &[
        &[0x10, 0xb5],
        &[0x2d, 0xe9, 0xf0, 0x41],
        &[0x4d, 0xf8, 0x04, 0xed],
        &[0x4d, 0xf8, 0x08, 0xed],
    ];
    let other: &[&[u8]] = &[
        &[0x10, 0xb4],
        &[0x2d, 0xe9, 0xf0, 0x01],
        &[0x10, 0xbd],
        &[0x10],
        &[0x2d, 0xe9],
    ];
    assert!(first.iter().all(|code| LITTLE.is_prologue(code)));
    assert!(!other.iter().any(|code| LITTLE.is_prologue(code)));
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
        let code = word.rotate_left(16).to_le_bytes();
        for reader in [
            LITTLE,
            Thumb {
                endian: Endian::Big,
            },
        ] {
            let mut mode = index.to_le_bytes()[0];
            for end in 0..=4 {
                ops.clear();
                let at = if index & 1 == 0 {
                    0xffff_fffc
                } else {
                    u64::from(word) << 8
                };
                let length = reader.decode(&code[..end], at, &mut mode, &mut ops);
                assert!(
                    length.is_none_or(|length| (2..=end).contains(&length) && length % 2 == 0),
                    "{word:#x}"
                );
                assert!(length.is_some() || ops.is_empty(), "{word:#x}");
                assert!(ops.iter().all(is_sound), "{word:#x} {ops:?}");
            }
        }
    }
}

/// No register is written that is none, and not the program counter, which jumps tell of.
fn is_sound(op: &Op) -> bool {
    match *op {
        Op::Set(into, _)
        | Op::Compute(into, ..)
        | Op::Insert { into, .. }
        | Op::Load { into, .. }
        | Op::Forget(into) => usize::from(into.0) < Register::COUNT && into != effects::COUNTER,
        _ => true,
    }
}

/// The texts of what instructions do, one behind the other, from an address on.
fn told(code: &[u8], mut at: u64, count: usize) -> Vec<String> {
    let (mut ops, mut mode, mut done) = (Vec::new(), 0, 0);
    for _ in 0..count {
        let length = LITTLE
            .decode(&code[done..], at, &mut mode, &mut ops)
            .unwrap();
        done = done.saturating_add(length);
        at = at.saturating_add(u64::try_from(length).unwrap());
    }
    ops.iter().map(Op::to_string).collect()
}

#[test]
fn tables_behind_a_comparison_tell_where_a_jump_goes() {
    // cmp r0, #10; bhi 1a; tbb [pc, r0], as GCC compiles a `switch`, with its table of eleven bytes at 0xa.
    let code = [
        0x0a, 0x28, 0x09, 0xd8, 0xdf, 0xe8, 0x00, 0xf0, 0x0e, 0x14, 0x1a, 0x20, 0x25, 0x2b, 0x33,
        0x08, 0x08, 0x3f, 0x06, 0x00,
    ];
    let expected = [
        "branch 0x1a",
        "branch 0x26",
        "branch 0x32",
        "branch 0x3e",
        "branch 0x4a",
        "branch 0x54",
        "branch 0x60",
        "branch 0x70",
        "branch 0x1a",
        "branch 0x88",
        "jump 0x17",
    ];
    assert_eq!(told(&code, 2, 3), expected);
    // Without the comparison, and where the table is cut, it is not known.
    assert_eq!(told(&code[4..], 6, 1), ["r34 = ?", "jump r34"]);
    assert_eq!(told(&code[..18], 2, 3)[1..], ["r34 = ?", "jump r34"]);
    // cmp.w r8, #2; bhi.w; tbh [pc, r8, lsl #1].
    let code = [
        0xb8, 0xf1, 0x02, 0x0f, 0x00, 0xf2, 0x10, 0x80, 0xdf, 0xe8, 0x18, 0xf0, 0x03, 0x00, 0x00,
        0x01, 0x05, 0x00,
    ];
    let expected = [
        "branch 0x1028",
        "branch 0x1012",
        "branch 0x120c",
        "jump 0x1017",
    ];
    assert_eq!(told(&code, 0x1000, 3), expected);
}
