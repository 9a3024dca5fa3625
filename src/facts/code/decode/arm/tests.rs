use super::super::super::op::text::compare;
use super::*;

const LITTLE: Arm = Arm {
    endian: Endian::Little,
};

/// From Debian's `busybox` for armel, and from zstd built for `ARMv7`, with what `arm-linux-gnueabi-objdump -d` prints.
const REAL: &str = "
6840 0020a0e1 mov r2, r0 => r2 = r0
6700 000052e3 cmp r2, #0 =>
66c4 1ca09fe5 ldr sl, [pc, #28] => r10 = u4 [0x66e8]
6b80 74319de5 ldr r3, [sp, #372] => r3 = u4 [r13+372]
684c 042082e2 add r2, r2, #4 => r2 = r2 + 0x4
67e4 caffffeb bl 6714 => call 0x6714
66f8 03308fe0 add r3, pc, r3 => r3 = r3 + 0x6700
6810 d0ffffea b 6758 => jump 0x6758
6cc0 04308de5 str r3, [sp, #4] => 4 [r13+4] = r3
67d4 0200000a beq 67e4 => branch 0x67e4
6768 003043e0 sub r3, r3, r0 => r3 = r3 - r0
6c4c 0130d1e5 ldrb r3, [r1, #1] => r3 = u1 [r1+1]
66dc 00009ae7 ldr r0, [sl, r0] => r0 = u4 [r10+r0]
676c a31fa0e1 lsr r1, r3, #31 => r1 = r3 >> 0x1f
b8ac 023483e1 orr r3, r3, r2, lsl #8 => r3 = r3 | (r2 << 8)
67c8 10402de9 push {r4, lr} => 4 [r13-8] = r4; 4 [r13-4] = r14; r13 = r13 - 0x8
67f8 1080bde8 pop {r4, pc} => r4 = u4 [r13]; r13 = r13 + 0x8; return
6838 0130c1e5 strb r3, [r1, #1] => 1 [r1+1] = r3
c570 030020e0 eor r0, r0, r3 => r0 = r0 ^ r3
6d18 8030a0e1 lsl r3, r0, #1 => r3 = (r0 << 1)
6adc 005050e2 subs r5, r0, #0 => r5 = r0
6944 143f6fe1 clz r3, r4 => r3 = ?
c4d4 00006ce2 rsb r0, ip, #0 => r33 = 0x0; r0 = r33 - r12
c714 910000e0 mul r0, r1, r0 => r0 = r1 * r0
6420 fb3147e3 movt r3, #29179 => r3[16:16] = 0x71fb
641c cb3400e3 movw r3, #1227 => r3 = 0x4cb
c02c b030d6e1 ldrh r3, [r6] => r3 = u2 [r6]
7024 010019e3 tst r9, #1 =>
76e0 0040a013 movne r4, #0 => r4 = ?
672c 322fffe6 rbit r2, r2 => r2 = ?
6af8 123003e2 and r3, r3, #18 => r3 = r3 & 0x12
c2ac 9c0320e0 mla r0, ip, r3, r0 => r0 = ?
6b84 022033e0 eors r2, r3, r2 => r2 = r3 ^ r2
6908 0000e0e3 mvn r0, #0 => r0 = 0xffffffff
8250 962983e0 umull r2, r3, r6, r9 => r2 = ?; r3 = ?
692c 0f0a43f4 vst1.8 {d16-d17}, [r3] => 16 [r3] = ?
dfc8 0f0a68f4 vld1.8 {d16-d17}, [r8] =>
20270 03f0d7f7 pld [r7, r3] =>
7798 0630d4e7 ldrb r3, [r4, r6] => r3 = u1 [r4+r6]
6a78 1040bde8 pop {r4, lr} => r4 = u4 [r13]; r14 = u4 [r13+4]; r13 = r13 + 0x8
8768 b631c5e1 strh r3, [r5, #22] => 2 [r5+22] = r3
ab94 0730c3e3 bic r3, r3, #7 => r3 = r3 & 0xfffffff8
67dc 03009fe7 ldr r0, [pc, r3] => r0 = u4 [0x67e4+r3]
685c 4001a0e1 asr r0, r0, #2 => r0 = r0 >>> 0x2
6744 13ff2fe1 bx r3 => jump r3
199f0 010c70e3 cmn r0, #256 =>
79dc 140090e8 ldm r0, {r2, r4} => r2 = u4 [r0]; r4 = u4 [r0+4]
99ac 088092e0 adds r8, r2, r8 => r8 = r2 + r8
7054 0400bae5 ldr r0, [sl, #4]! => r0 = u4 [r10+4]; r10 = r10 + 0x4
68cc 0100f2e5 ldrb r0, [r2, #1]! => r0 = u1 [r2+1]; r2 = r2 + 0x1
8758 07008ee8 stm lr, {r0, r1, r2} => 4 [r14] = r0; 4 [r14+4] = r1; 4 [r14+8] = r2
682c 04005213 cmpne r2, #4 =>
6924 0d0a43f4 vst1.8 {d16-d17}, [r3]! => 16 [r3] = ?; r3 = r3 + 0x10
e1c0 0d0a66f4 vld1.8 {d16-d17}, [r6]! => r6 = r6 + 0x10
68d4 0110d3e4 ldrb r1, [r3], #1 => r1 = u1 [r3]; r3 = r3 + 0x1
3143c 00a0a0e0 adc sl, r0, r0 => r10 = ?
6eb8 1080bd08 popeq {r4, pc} =>
6afc 023093e1 orrs r3, r3, r2 => r3 = r3 | r2
7120 33ff2fe1 blx r3 => call r3
1667c 049013e2 ands r9, r3, #4 => r9 = r3 & 0x4
8730 0f00bce8 ldm ip!, {r0, r1, r2, r3} => r0 = u4 [r12]; r1 = u4 [r12+4]; r2 = u4 [r12+8]; r3 = u4 [r12+12]; r12 = r12 + 0x10
8734 0f00aee8 stmia lr!, {r0, r1, r2, r3} => 4 [r14] = r0; 4 [r14+4] = r1; 4 [r14+8] = r2; 4 [r14+12] = r3; r14 = r14 + 0x10
7074 7be0efe6 uxtb lr, fp => r14 = r11 & 0xff
3cb4c 0ef3d9f7 pld [r9, lr, lsl #6] =>
6d1c b3209ae1 ldrh r2, [sl, r3] => r2 = u2 [r10+r3]
1c2d0 045099e4 ldr r5, [r9], #4 => r5 = u4 [r9]; r9 = r9 + 0x4
8074 e40860f2 vadd.i32 q8, q8, q10 =>
9a24 104a17ee vmov r4, s14 => r4 = ?
824c 0130c4e4 strb r3, [r4], #1 => 1 [r4] = r3; r4 = r4 + 0x1
b654 02f18f90 addls pc, pc, r2, lsl #2 =>
d498 02104330 subcc r1, r3, r2 => r1 = ?
19b14 0120e7e5 strb r2, [r7, #1]! => 1 [r7+1] = r2; r7 = r7 + 0x1
612c4 0312c5e7 strb r1, [r5, r3, lsl #4] => 1 [r5+(r3 << 4)] = r1
6704 1eff2f01 bxeq lr =>
";

/// Assembled with `arm-linux-gnueabi-as`: what those programs do not have, or not in the one place.
const ASSEMBLED: &str = "
10000 0dc0a0e1 mov ip, sp => r12 = r13
10004 00d82de9 push {fp, ip, lr, pc} => 4 [r13-16] = r11; 4 [r13-12] = r12; 4 [r13-8] = r14; 4 [r13-4] = ?; r13 = r13 - 0x10
10008 04b04ce2 sub fp, ip, #4 => r11 = r12 - 0x4
1000c 00a81be9 ldmdb fp, {fp, sp, pc} => r13 = u4 [r11-8]; r11 = u4 [r11-12]; return
10010 04e02de5 push {lr} => 4 [r13-4] = r14; r13 = r13 - 0x4
10014 04f09de4 pop {pc} => r13 = r13 + 0x4; return
10018 04f01fe5 ldr pc, [pc, #-4] => jump [0x1001c]
1001c 0cc08fe2 add ip, pc, #12 => r12 = 0x10030
10020 bcfabce5 ldr pc, [ip, #2748]! => r12 = r12 + 0xabc; jump [r12]
10024 03f19f97 ldrls pc, [pc, r3, lsl #2] =>
10028 03f19fe7 ldr pc, [pc, r3, lsl #2] => jump [0x10030+(r3 << 2)]
1002c 03f18fe0 add pc, pc, r3, lsl #2 => r33 = 0x10034; r34 = r33 + (r3 << 2); jump r34
10030 0ef0a0e1 mov pc, lr => return
10034 03f0a0e1 mov pc, r3 => jump r3
10038 1eff2f11 bxne lr =>
1003c efffff1b blne 10000 => call 0x10000
10040 330000fa blx 10114 => call 0x10115
10044 000000ef svc 0x00000000 => system call
10048 040090ef svc 0x00900004 => r36 = r7; r7 = 0x4; system call; r7 = r36
1004c f001f0e7 udf #16 => stop
10050 700020e1 bkpt 0x0000 => stop
10054 08004fe2 sub r0, pc, #8 => r0 = 0x10054
10058 0322e0e1 mvn r2, r3, lsl #4 => r32 = (r3 << 4); r2 = r32 ^ 0xffffffff
1005c 2311c2e1 bic r1, r2, r3, lsr #2 => r32 = r3 >> 0x2; r32 = r32 ^ 0xffffffff; r1 = r2 & r32
10060 020061e0 rsb r0, r1, r2 => r0 = r2 - r1
10064 020001e7 str r0, [r1, -r2] => r35 = r1 - r2; 4 [r35] = r0
10068 020121e7 str r0, [r1, -r2, lsl #2]! => r35 = r1 - (r2 << 2); 4 [r35] = r0; r1 = r1 - (r2 << 2)
1006c 022193e6 ldr r2, [r3], r2, lsl #2 => r36 = r2; r2 = u4 [r3]; r3 = r3 + (r36 << 2)
10070 d840c5e1 ldrd r4, [r5, #8] => r4 = u4 [r5+8]; r5 = u4 [r5+12]
10074 f0416de1 strd r4, [sp, #-16]! => 4 [r13-16] = r4; 4 [r13-12] = r5; r13 = r13 - 0x10
10078 d10051e1 ldrsb r0, [r1, #-1] => r0 = i1 [r1-1]
1007c f200d1e0 ldrsh r0, [r1], #2 => r0 = i2 [r1]; r1 = r1 + 0x2
10080 b20081e1 strh r0, [r1, r2] => 2 [r1+r2] = r0
10084 04008d15 strne r0, [sp, #4] => 4 [r13+4] = ?
10088 1040ad18 stmiane sp!, {r4, lr} => 4 [r13] = ?; 4 [r13+4] = ?; r13 = ?
1008c 0600a1e8 stmia r1!, {r1, r2} => 4 [r1] = r1; 4 [r1+4] = r2; r1 = r1 + 0x8
10090 060081e9 stmib r1, {r1, r2} => 4 [r1+4] = r1; 4 [r1+8] = r2
10094 060091e9 ldmib r1, {r1, r2} => r2 = u4 [r1+8]; r1 = u4 [r1+4]
10098 0c0011e8 ldmda r1, {r2, r3} => r2 = u4 [r1-4]; r3 = u4 [r1]
1009c 910002e1 swp r0, r1, [r2] => 4 [r2] = ?; r0 = ?
100a0 9f0f91e1 ldrex r0, [r1] => r0 = u4 [r1]
100a4 910f82e1 strex r0, r1, [r2] => 4 [r2] = ?; r0 = ?
100a8 920fa4e1 strexd r0, r2, [r4] => 8 [r4] = ?; r0 = ?
100ac 1102cbe7 bfi r0, r1, #4, #8 => r0[4:8] = r1
100b0 1f04d7e7 bfc r0, #8, #16 => r0[8:16] = 0x0
100b4 5102a7e7 sbfx r0, r1, #4, #8 => r0 = (r1 << 20); r0 = r0 >>> 0x18
100b8 7108ffe6 uxth r0, r1, ror #16 => r0 = r1 >> 0x10; r0 = r0 & 0xffff
100bc 7104efe6 uxtb r0, r1, ror #8 => r0 = r1 >> 0x8; r0 = r0 & 0xff
100c0 7100afe6 sxtb r0, r1 => r0 = (r1 << 24); r0 = r0 >>> 0x18
100c4 7200e1e6 uxtab r0, r1, r2 => r0 = ?
100c8 1100e8e6 usat r0, #8, r1 => r0 = ?
100cc 9203e1e0 smlal r0, r1, r2, r3 => r0 = ?; r1 = ?
100d0 11f210e7 sdiv r0, r1, r2 => r0 = ?
100d4 810260e1 smulbb r0, r1, r2 => r0 = ?
100d8 00000fe1 mrs r0, CPSR => r0 = ?
100dc 703f1dee mrc 15, 0, r3, cr13, cr0, {3} => r3 = ?
100e0 ba0f07ee mcr 15, 0, r0, cr7, cr10, {5} =>
100e4 0e0f51ec mrrc 15, 0, r0, r1, cr14 => r0 = ?; r1 = ?
100e8 100b51ec vmov r0, r1, d0 => r0 = ?; r1 = ?
100ec 100a00ee vmov s0, r0 =>
100f0 101af1ee vmrs r1, fpscr => r1 = ?
100f4 10faf1ee vmrs APSR_nzcv, fpscr =>
100f8 108b2ded vpush {d8-d15} => 64 [r13-64] = ?; r13 = r13 - 0x40
100fc 080bb0ec vldmia r0!, {d0-d3} => r0 = r0 + 0x20
10100 080b80ec vstmia r0, {d0-d3} => 32 [r0] = ?
10104 020a01ed vstr s0, [r1, #-8] => 4 [r1-8] = ?
10108 820880f4 vst1.32 {d0[1]}, [r0], r2 => 4 [r0] = ?; r0 = r0 + r2
1010c 700060e1 smc 0 => r0 = ?; r1 = ?; r2 = ?; r3 = ?
10110 00f020e3 nop {0} =>
10000 0fe0a0e113ff2fe1 mov lr, pc / bx r3 => r14 = 0x10008; call r3
10008 0fe0a00113ff2f01 moveq lr, pc / bxeq r3 => r14 = ?; call r3
10010 0fe0a0e108f093e5 mov lr, pc / ldr pc, [r3, #8] => r14 = 0x10018; call [r3+8]
10018 0fe0a0e11ff042e2 mov lr, pc / sub pc, r2, #31 => r14 = 0x10020; r34 = r2 - 0x1f; call r34
11000 310fbfe6 rev r0, r1 => r0 = r1 swap 0x4
11004 b10fbfe6 rev16 r0, r1 => r0 = r1 swap 0x2
11008 b10fffe6 revsh r0, r1 => r0 = r1 swap 0x2; r0 = (r0 << 16); r0 = r0 >>> 0x10
1100c 310fffe6 rbit r0, r1 => r0 = ?
";

#[test]
fn instructions_are_read_as_objdump_prints_them() {
    compare(&LITTLE, REAL);
    compare(&LITTLE, ASSEMBLED);
}

#[test]
fn old_big_endian_files_have_big_endian_instructions() {
    let big = Arm {
        endian: Endian::Big,
    };
    let mut ops = Vec::new();
    assert_eq!(
        big.decode(&[0xeb, 0, 0, 2], 0x8000, &mut 0, &mut ops),
        Some(4)
    );
    assert_eq!(ops, [Op::Call(Target::At(0x8010))]);
}

#[test]
fn first_instructions_of_functions_are_known() {
    let first: &[&[u8]] = &[
        &[0x10, 0x40, 0x2d, 0xe9],
        &[0x04, 0xe0, 0x2d, 0xe5],
        &[0x00, 0xd8, 0x2d, 0xe9],
        &[0x0d, 0xc0, 0xa0, 0xe1],
    ];
    let other: &[&[u8]] = &[
        &[0x10, 0x00, 0x2d, 0xe9],
        &[0x10, 0x40, 0xbd, 0xe8],
        &[0x10, 0x40, 0x2d],
        &[0x04, 0xe0, 0x2d, 0x15],
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
        let code = word.to_le_bytes();
        for reader in [
            LITTLE,
            Arm {
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
                    length.is_none_or(|length| length == 4 && end == 4),
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

/// The texts of what one instruction does.
fn told(words: &[u32], at: u64) -> Vec<String> {
    let code: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let (mut ops, mut mode) = (Vec::new(), 0);
    LITTLE.decode(&code, at, &mut mode, &mut ops).unwrap();
    ops.iter().map(Op::to_string).collect()
}

#[test]
fn tables_tell_where_a_jump_goes() {
    // addls pc, pc, r0, lsl #2; b default; three branches; mov.
    let branches = [
        0x908f_f100,
        0xea00_0029,
        0xea00_0009,
        0xea00_000c,
        0xea00_000e,
        0xe3a0_0003,
    ];
    let expected = ["branch 0x10010", "branch 0x10014", "branch 0x10018"];
    assert_eq!(told(&branches, 0x10008), expected);
    // ldrls pc, [pc, r3, lsl #2]; b default; three addresses; the first way.
    let mut addresses = [
        0x979f_f103,
        0xea00_0029,
        0x0001_001c,
        0x0001_0040,
        0x0000_fff0,
        0x0001_0044,
    ];
    let expected = ["branch 0x1001c", "branch 0x10040", "branch 0xfff0"];
    assert_eq!(told(&addresses, 0x10008), expected);
    addresses[0] = 0xe79f_f103;
    let always = told(&addresses, 0x10008);
    assert_eq!(always[..3], expected);
    assert_eq!(always[3..], ["r34 = ?", "jump r34"]);
    // Into an unrolled loop, and where the code ends.
    assert!(told(&[0x908f_f100, 0xe1a0_0000, 0xe4d1_3001], 0x10008).is_empty());
    assert!(told(&branches[..2], 0x10008).is_empty());
}
