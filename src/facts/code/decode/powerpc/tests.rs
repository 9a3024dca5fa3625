use super::super::super::op::text::compare;
use super::*;

/// From the C library of Debian's cross compilers, with what `powerpc-linux-gnu-objdump -d` prints.
const REAL: &str = "
29d20 9421fff0 stwu r1,-16(r1) => 4 [r1-16] = r1; r1 = r1 + -0x10
29d24 7c0802a6 mflr r0 => r0 = r32
29d28 90010014 stw r0,20(r1) => 4 [r1+20] = r0
29d2c 48000005 bl 29d30 => r32 = 0x29d30
29d38 429f0005 bcl 20,4*cr7+so,29d3c => r32 = 0x29d3c
29d50 3ba28b00 addi r29,r2,-29952 => r29 = r2 + -0x7500
29d54 3fde0020 addis r30,r30,32 => r30 = r30 + 0x200000
29d5c 83fed82c lwz r31,-10196(r30) => r31 = u4 [r30-10196]
29d68 39200000 li r9,0 => r9 = 0x0
29d70 7c09e800 cmpw r9,r29 =>
29d74 41820038 beq 29dac => branch 0x29dac
29d80 7d20f828 lwarx r9,0,r31 => r9 = u4 [r31]
29d84 7d2a4851 subf. r9,r10,r9 => r9 = r9 - r10
29d88 4082000c bne 29d94 => branch 0x29d94
29d8c 7d00f92d stwcx. r8,0,r31 => 4 [r31] = ?
29d94 4c00012c isync =>
29d98 2c090000 cmpwi r9,0 =>
29da0 7fe3fb78 mr r3,r31 => r3 = r31
29dec 44000002 sc => system call
29df0 7c000026 mfcr r0 => r0 = ?
29e20 7c0004ac hwsync =>
29e34 4081000c ble 29e40 => branch 0x29e40
29e98 4800000c b 29ea4 => jump 0x29ea4
29f54 60000000 nop =>
29f8c 89290000 lbz r9,0(r9) => r9 = u1 [r9]
29fd4 7c0803a6 mtlr r0 => r32 = r0
2a040 7d294278 xor r9,r9,r8 => r9 = r9 ^ r8
2a050 4e800020 blr => return
2a0e8 99480046 stb r10,70(r8) => 1 [r8+70] = r10
2a1c4 7fe903a6 mtctr r31 => r33 = r31
2a1dc 4e800421 bctrl => call r33
2a1f4 7ce85214 add r7,r8,r10 => r7 = r8 + r10
2a200 28080001 cmplwi r8,1 =>
2a2a4 54c6103a slwi r6,r6,2 => r6 = r6 << 0x2
2a2ac 7d3b302e lwzx r9,r27,r6 => r9 = u4 [r27+r6]
2a2c0 85260004 lwzu r9,4(r6) => r9 = u4 [r6+4]; r6 = r6 + 0x4
2a31c 71290002 andi. r9,r9,2 => r9 = r9 & 0x2
2a320 4e000000 mcrf cr4,cr0 =>
2a384 57fff0bf srwi. r31,r31,2 => r31 = r31 >> 0x2
2a3b4 7f1fc379 mr. r31,r24 => r31 = r24
2a3f8 37ffffff addic. r31,r31,-1 => r31 = r31 + -0x1
2a614 6fe9ffff xoris r9,r31,65535 => r9 = r31 ^ 0xffff0000
2a664 55290426 rlwinm r9,r9,0,16,19 => r9 = r9 & 0xf000
2a6b0 60848001 ori r4,r4,32769 => r4 = r4 | 0x8001
2a938 7c061840 cmplw r6,r3 =>
2a944 7cc00034 cntlzw r0,r6 => r0 = ?
2a954 21200020 subfic r9,r0,32 => r34 = 0x20; r9 = r34 - r0
2a958 7c680030 slw r8,r3,r0 => r8 = ?
2a95c 7d494c30 srw r9,r10,r9 => r9 = ?
2a964 7d284378 or r8,r9,r8 => r8 = r9 | r8
2a96c 5486843e srwi r6,r4,16 => r6 = r4 >> 0x10
2a970 548a043e clrlwi r10,r4,16 => r10 = r4 & 0xffff
2a974 7d283396 divwu r9,r8,r6 => r9 = ?
2a97c 7fe931d6 mullw r31,r9,r6 => r31 = r9 * r6
2a984 7fff4050 subf r31,r31,r8 => r31 = r8 - r31
2a98c 53e8801e rlwimi r8,r31,16,0,15 => r8[16:16] = r31
2a9a4 418103bc bgt 2ad60 => branch 0x2ad60
2ab0c 41800274 blt 2ad80 => branch 0x2ad80
2ac3c 7ca43016 mulhwu r5,r4,r6 => r5 = ?
2ac5c 7cc95010 subfc r6,r9,r10 => r6 = r10 - r9
2ac60 7d034110 subfe r8,r3,r8 => r8 = ?
2ad94 4080fec0 bge 2ac54 => branch 0x2ac54
2ae58 7ca50190 subfze r5,r5 => r5 = ?
2aed8 7ca9fe70 srawi r9,r5,31 => r9 = r5 >>> 0x1f
2af1c 7d4a4a79 xor. r10,r10,r9 => r10 = r10 ^ r9
2b200 4e800420 bctr => jump r33
2b4d4 7d808120 mtcrf 8,r12 =>
2b54c 55290036 clrrwi r9,r9,4 => r9 = r9 & 0xfffffff0
2b554 7d2900d0 neg r9,r9 => r34 = 0x0; r9 = r34 - r9
2b558 7d41496e stwux r10,r1,r9 => 4 [r1+r9] = r10; r1 = r1 + r9
2b580 a1090000 lhz r8,0(r9) => r8 = u2 [r9]
2b58c 7d03cb2e sthx r8,r3,r25 => 2 [r3+r25] = r8
2b630 1f9c1fe0 mulli r28,r28,8160 => r28 = r28 * 0x1fe0
2b9f4 7d1d392e stwx r8,r29,r7 => 4 [r29+r7] = r8
2bfa4 3e807fff lis r20,32767 => r20 = 0x7fff0000
2c7d4 7f9be0f8 not r27,r28 => r27 = r28 ^ -0x1
2cf98 7d23e1ae stbx r9,r3,r28 => 1 [r3+r28] = r9
2d000 314affff addic r10,r10,-1 => r10 = r10 + -0x1
2d008 7ef70194 addze r23,r23 => r23 = ?
2d4ac 7d48522e lhzx r10,r8,r10 => r10 = u2 [r8+r10]
2d4c0 8d3a0001 lbzu r9,1(r26) => r9 = u1 [r26+1]; r26 = r26 + 0x1
2d660 6929002f xori r9,r9,47 => r9 = r9 ^ 0x2f
2d674 7f394838 and r25,r25,r9 => r25 = r25 & r9
2dae4 7d3fa0ae lbzx r9,r31,r20 => r9 = u1 [r31+r20]
2de58 b13f000c sth r9,12(r31) => 2 [r31+12] = r9
2e1e4 7ce70774 extsb r7,r7 => r7 = r7 << 0x18; r7 = r7 >>> 0x18
2e3ac 4200ffe4 bdnz 2e390 => r33 = r33 - 0x1; branch 0x2e390
2e774 9d0a0001 stbu r8,1(r10) => 1 [r10+1] = r8; r10 = r10 + 0x1
2f434 7ce0e42c lwbrx r7,0,r28 => r7 = ?
30540 7eb54839 and. r21,r21,r9 => r21 = r21 & r9
305b0 42400018 bdz 305c8 => r33 = r33 - 0x1; branch 0x305c8
30bb8 55ef803e rotlwi r15,r15,16 => r34 = r15 >> 0x10; r35 = r15 << 0x10; r15 = r34 | r35
31794 7cc63e30 sraw r6,r6,r7 => r6 = ?
323e0 7d452c31 srw. r5,r10,r5 => r5 = ?
34ad0 7d00462c lhbrx r8,0,r8 => r8 = ?
";

/// What other compilers and assembler texts have: assembled, and printed by objdump. The last ones are put together by hand.
const ASSEMBLED: &str = "
0 429f0005 bcl 20,4*cr7+so,4 => r32 = 0x4
4 7fc802a6 mflr r30 => r30 = r32
8 429f0009 bcl 20,4*cr7+so,10 => r32 = 0xc; jump 0x10
10 7fc802a6 mflr r30 => r30 = r32
14 3c601000 lis r3,4096 => r3 = 0x10000000
18 3880ffff li r4,-1 => r4 = -0x1
1c 38a30008 addi r5,r3,8 => r5 = r3 + 0x8
20 60638000 ori r3,r3,32768 => r3 = r3 | 0x8000
24 7fe00008 trap => stop
28 0cc30000 twllei r3,0 =>
2c 44000002 sc => system call
30 4d820020 beqlr =>
34 4200ffcc bdnz 0 => r33 = r33 - 0x1; branch 0x0
38 4240ffc8 bdz 0 => r33 = r33 - 0x1; branch 0x0
3c 4e000020 bdnzlr => r33 = r33 - 0x1
40 4c820420 bnectr =>
44 4e800021 blrl => call r32
48 4e800421 bctrl => call r33
4c 4e800420 bctr => jump r33
50 4182ffb1 beql 0 => call 0x0
54 4bffffad bl 0 => call 0x0
58 4bffffa8 b 0 => jump 0x0
5c 48000102 ba 100 => jump 0x100
60 80600010 lwz r3,16(0) => r3 = u4 [0x10]
64 7c60202e lwzx r3,0,r4 => r3 = u4 [r4]
68 7c83206e lwzux r4,r3,r4 => r3 = r3 + r4; r4 = u4 [r3]
6c 7c21016e stwux r1,r1,r0 => 4 [r1+r0] = r1; r1 = r1 + r0
70 9421ffe0 stwu r1,-32(r1) => 4 [r1-32] = r1; r1 = r1 + -0x20
74 85260004 lwzu r9,4(r6) => r9 = u4 [r6+4]; r6 = r6 + 0x4
78 bb810010 lmw r28,16(r1) => r28 = u4 [r1+16]; r29 = u4 [r1+20]; r30 = u4 [r1+24]; r31 = u4 [r1+28]
7c bfc10008 stmw r30,8(r1) => 4 [r1+8] = r30; 4 [r1+12] = r31
80 9d0a0001 stbu r8,1(r10) => 1 [r10+1] = r8; r10 = r10 + 0x1
84 7ce0e42c lwbrx r7,0,r28 => r7 = ?
88 7c0037ec dcbz 0,r6 => 255 [r6-127] = ?
8c 7fc464aa lswi r30,r4,12 => r30 = ?; r31 = ?; r0 = ?
90 7fc465aa stswi r30,r4,12 => 12 [r4] = ?
94 5483463e srwi r3,r4,24 => r3 = r4 >> 0x18
98 5483103a slwi r3,r4,2 => r3 = r4 << 0x2
9c 5483f0be srwi r3,r4,2 => r3 = r4 >> 0x2
a0 5483063e clrlwi r3,r4,24 => r3 = r4 & 0xff
a4 5483183e rotlwi r3,r4,3 => r34 = r4 >> 0x1d; r35 = r4 << 0x3; r3 = r34 | r35
a8 5083801e rlwimi r3,r4,16,0,15 => r3[16:16] = r4
ac 5083c42e rlwimi r3,r4,24,16,23 => r34 = r4 >> 0x10; r3[8:8] = r34
b0 50834706 rlwimi r3,r4,8,28,3 => r3 = ?
b4 5c83283e rotlw r3,r4,r5 => r3 = ?
b8 7d2903a6 mtctr r9 => r33 = r9
bc 7d2902a6 mfctr r9 => r9 = r33
c0 7c0803a6 mtlr r0 => r32 = r0
c4 7c6102a6 mfxer r3 => r3 = ?
c8 7d800026 mfcr r12 => r12 = ?
cc 7d908026 mfocrf r12,8 => r12 = ?
d0 7d808120 mtcrf 8,r12 =>
d4 7c6000a6 mfmsr r3 => r3 = ?
d8 7c6c42e6 mftb r3 => r3 = ?
dc 7c7043a6 mtsprg 0,r3 =>
e0 7c64289e iseleq r3,r4,r5 => r3 = ?
e4 20640020 subfic r3,r4,32 => r34 = 0x20; r3 = r34 - r4
e8 7c6400d0 neg r3,r4 => r34 = 0x0; r3 = r34 - r4
ec 7c8320f8 not r3,r4 => r3 = r4 ^ -0x1
f0 7c832379 mr. r3,r4 => r3 = r4
f4 7c830774 extsb r3,r4 => r3 = r4 << 0x18; r3 = r3 >>> 0x18
f8 7c830734 extsh r3,r4 => r3 = r4 << 0x10; r3 = r3 >>> 0x10
fc 7c83fe70 srawi r3,r4,31 => r3 = r4 >>> 0x1f
100 7cc00034 cntlzw r0,r6 => r0 = ?
104 7c642a15 add. r3,r4,r5 => r3 = r4 + r5
108 7c642850 subf r3,r4,r5 => r3 = r5 - r4
10c 1c64000c mulli r3,r4,12 => r3 = r4 * 0xc
110 37ffffff addic. r31,r31,-1 => r31 = r31 + -0x1
114 7d00f92d stwcx. r8,0,r31 => 4 [r31] = ?
118 7d20f828 lwarx r9,0,r31 => r9 = u4 [r31]
11c 7c2325ae stfdx f1,r3,r4 => 8 [r3+r4] = ?
120 d4230008 stfsu f1,8(r3) => 4 [r3+8] = ?; r3 = r3 + 0x8
124 cc230008 lfdu f1,8(r3) => r3 = r3 + 0x8
128 dbe10008 stfd f31,8(r1) => 8 [r1+8] = ?
12c 7c6029ce stvx v3,0,r5 => 16 [r5] = ?
130 7c6028ce lvx v3,0,r5 =>
134 4c000064 rfi => stop
138 71290002 andi. r9,r9,2 => r9 = r9 & 0x2
13c 6fe9ffff xoris r9,r31,65535 => r9 = r31 ^ 0xffff0000
140 7469f000 andis. r9,r3,61440 => r9 = r3 & 0xf0000000
144 7c0004ac hwsync =>
148 4c00012c isync =>
14c 4cc63182 crclr 4*cr1+eq =>
150 60000000 nop =>
200 2c0300004182000c cmpwi r3,0; beq 210 => if r3 == 0 jump 0x210
200 2f8300004082000c cmpwi cr7,r3,0; bne 210 => branch 0x210
200 2f830000409e000c cmpwi cr7,r3,0; bne cr7,210 => if r3 != 0 jump 0x210
200 2c03000160000000 cmpwi r3,1; nop =>
200 2c030000600000004182000c cmpwi r3,0; nop; beq 214 => branch 0x214
200 2c03000041820010 cmpwi r3,0; beq 214 => if r3 == 0 jump 0x214
200 2c0300004181000c cmpwi r3,0; bgt 210 => branch 0x210
200 480100f97fc802a6 bl 102f8; mflr r30 => r32 = 0x102fc; r30 = r32
200 48000009123456787fc802a6 bl 208; .long 0x12345678; mflr r30 => r32 = 0x204; jump 0x208; r17 = ?; r30 = r32
84 bb9d0010 lmw r28,16(r29) => r28 = ?; r29 = ?; r30 = ?; r31 = ?
84 84000004 lwzu r0,4(0) => unknown
84 00000000 .long 0x0 => unknown
";

/// Numbers that look random and are the same every time (xorshift).
fn random(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

#[test]
fn instructions_are_read_as_objdump_prints_them() {
    compare(&Powerpc, REAL);
    compare(&Powerpc, ASSEMBLED);
}

#[test]
fn first_instructions_of_functions_are_known() {
    let first: &[&[u8]] = &[&[0x94, 0x21, 0xff, 0xf0], &[0x7c, 0x08, 0x02, 0xa6]];
    let other: &[&[u8]] = &[
        &[0x94, 0x21, 0x00, 0x10],
        &[0x4e, 0x80, 0x00, 0x20],
        &[0x94, 0x21, 0xff],
    ];
    assert!(first.iter().all(|code| Powerpc.is_prologue(code)));
    assert!(!other.iter().any(|code| Powerpc.is_prologue(code)));
}

#[test]
fn any_words_are_read_within_their_bounds() {
    let (mut state, mut ops) = (0x1234_5678, Vec::new());
    for index in 0..1_000_000_u32 {
        // Every opcode and function is tried, with what is random in between.
        let word = match index {
            0..0x1_0000 => index << 16 | random(&mut state) & 0xffff,
            0x1_0000..0x2_0000 => 31 << 26 | random(&mut state) & 0x03ff_f800 | index & 0x7ff,
            _ => random(&mut state),
        };
        let code = [word, random(&mut state)].map(u32::to_be_bytes).concat();
        let mut mode = index.to_le_bytes()[0];
        ops.clear();
        let length = Powerpc.decode(&code, 0xffff_fffc, &mut mode, &mut ops);
        assert!(matches!(length, None | Some(4)), "{word:#x}");
    }
}

#[test]
fn code_that_ends_is_not_read_past_its_end() {
    // `bl`, of which the next instruction is looked at.
    let code = [0x48, 0, 1, 1];
    for length in 0..4 {
        let read = Powerpc.decode(&code[..length], 0, &mut 0, &mut Vec::new());
        assert_eq!(read, None, "{length}");
    }
    assert_eq!(Powerpc.decode(&code, 0, &mut 0, &mut Vec::new()), Some(4));
}
