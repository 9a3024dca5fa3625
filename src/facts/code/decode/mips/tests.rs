use super::super::super::op::text::compare;
use super::*;

const BIG: Mips = Mips {
    endian: Endian::Big,
};
const LITTLE: Mips = Mips {
    endian: Endian::Little,
};

/// From the C library of Debian's cross compilers, with what `mips-linux-gnu-objdump -d` prints.
const REAL: &str = "
20490 3c1c001c lui gp,0x1c => r28 = 0x1c0000
20494 279c8990 addiu gp,gp,-30320 => r28 = r28 + -0x7670
20498 0399e021 addu gp,gp,t9 => r28 = r28 + r25
204a0 8f99820c lw t9,-32244(gp) => r25 = i4 [r28-32244]
204a4 afbc0010 sw gp,16(sp) => 4 [r29+16] = r28
204ac 0411000100000000 bal 204b4 / nop => r31 = 0x204b4
204e8 7c03e83b rdhwr v1,$29 => r3 = ?
204fc 1052000f00000000 beq v0,s2,2053c / nop => branch 0x2053c
20504 c2232bf4 ll v1,11252(s1) => r3 = i4 [r17+11252]
20508 1460000624020000 bnez v1,20524 / li v0,0 => r2 = 0x0; if r3 != 0 jump 0x20524
20510 24010001 li at,1 => r1 = 0x1
20514 e2212bf4 sc at,11252(s1) => 4 [r17+11252] = ?; r1 = ?
20518 1020fffa24020001 beqz at,20504 / li v0,1 => r2 = 0x1; if r1 == 0 jump 0x20504
20520 0000000f sync =>
2052c 0320f80902002025 jalr t9 / move a0,s0 => r31 = ?; r4 = r16; call r25
20578 00003025 move a2,zero => r6 = 0x0
20584 0000000c syscall => system call
20590 1443002f00000000 bne v0,v1,20650 / nop => branch 0x20650
205c4 00000000 nop =>
205c8 28420002 slti v0,v0,2 => r2 = ?
20648 10000004ae020004 b 2065c / sw v0,4(s0) => 4 [r16+4] = r2; jump 0x2065c
20788 90420000 lbu v0,0(v0) => r2 = u1 [r2]
207d4 0320000827bd0028 jr t9 / addiu sp,sp,40 => r29 = r29 + 0x28; jump r25
20888 a0440046 sb a0,70(v0) => 1 [r2+70] = r4
20a50 32520002 andi s2,s2,0x2 => r18 = r18 & 0x2
20afc 001ef082 srl s8,s8,0x2 => r30 = r30 >> 0x2
20b08 001ef080 sll s8,s8,0x2 => r30 = r30 << 0x2
21084 2e100002 sltiu s0,s0,2 => r16 = ?
21164 00932023 subu a0,a0,s3 => r4 = r4 - r19
21300 0002102b sltu v0,zero,v0 => r2 = ?
21304 00021023 negu v0,v0 => r34 = 0x0; r2 = r34 - r2
2166c 36100008 ori s0,s0,0x8 => r16 = r16 | 0x8
218dc 0069100a movz v0,v1,t1 => r2 = ?
21c6c 0210380b movn a3,s0,s0 => r7 = ?
21e34 0043102a slt v0,v0,v1 => r2 = ?
21ea0 0441fff600000000 bgez v0,21e7c / nop => branch 0x21e7c
222e8 80870000 lb a3,0(a0) => r7 = i1 [r4]
22f50 70832002 mul a0,a0,v1 => r4 = r4 * r3; r33 = ?
23124 9442001c lhu v0,28(v0) => r2 = u2 [r2+28]
2314c a602001c sh v0,28(s0) => 2 [r16+28] = r2
23600 3842002f xori v0,v0,0x2f => r2 = r2 ^ 0x2f
23998 044000350040f025 bltz v0,23a70 / move s8,v0 => r30 = r2; branch 0x23a70
243d8 00441024 and v0,v0,a0 => r2 = r2 & r4
24444 00129083 sra s2,s2,0x2 => r18 = r18 >>> 0x2
24704 00441025 or v0,v0,a0 => r2 = r2 | r4
25410 7c0210a0 wsbh v0,v0 => r34 = r2 >> 0x8; r34 = r34 & 0xff00ff; r35 = r2 & 0xff00ff; r35 = r35 << 0x8; r2 = r34 | r35
25414 00221402 ror v0,v0,0x10 => r34 = r2 >> 0x10; r35 = r2 << 0x10; r2 = r34 | r35
25c00 02231026 xor v0,s1,v1 => r2 = r17 ^ r3
26474 7c042c20 seb a1,a0 => r5 = r4 << 0x18; r5 = r5 >>> 0x18
275ec 00a73807 srav a3,a3,a1 => r7 = ?
282dc 00822006 srlv a0,v0,a0 => r4 = ?
28428 00621004 sllv v0,v0,v1 => r2 = ?
299ac 7c843a00 ext a0,a0,0x8,0x8 => r4 = r4 >> 0x8; r4 = r4 & 0xff
2c4d8 1920000500002025 blez t1,2c4f0 / move a0,zero => r4 = 0x0; branch 0x2c4f0
2c5fc 00e001f4 teq a3,zero,0x7 =>
2c600 0067001b divu zero,v1,a3 => r33 = ?
2c604 00001810 mfhi v1 => r3 = ?
2f770 1c40fff68fc6002c bgtz v0,2f74c / lw a2,44(s8) => r6 = i4 [r30+44]; branch 0x2f74c
309fc 00021027 nor v0,zero,v0 => r2 = r2 ^ -0x1
32684 00008812 mflo s1 => r17 = r33
38670 f7ac0000 sdc1 $f12,0(sp) => 8 [r29] = ?
386b0 44626000 mfhc1 v0,$f12 => r2 = ?
386b8 44036000 mfc1 v1,$f12 => r3 = ?
38708 448b0000 mtc1 t3,$f0 =>
387a0 d7a20000 ldc1 $f2,0(sp) =>
387d4 46220082 mul.d $f2,$f0,$f2 =>
38a20 4501000c00000000 bc1t 38a54 / nop => branch 0x38a54
38af8 4504000d8f99827c bc1f $fcc1,38b30 / lw t9,-32132(gp) => r25 = i4 [r28-32132]; branch 0x38b30
38c4c e7ac0000 swc1 $f12,0(sp) => 4 [r29] = ?
38c88 c7a00000 lwc1 $f0,0(sp) =>
38f40 46166132 c.eq.s $fcc1,$f12,$f22 =>
38fe0 4442f800 cfc1 v0,c1_fcsr => r2 = ?
39000 44c4f800 ctc1 a0,c1_fcsr =>
3b24c 72a21020 clz v0,s5 => r2 = ?
3c434 00a6001a div zero,a1,a2 => r33 = ?
3c4f0 00ca0019 multu a2,t2 => r33 = r6 * r10
3c4fc 00e60018 mult a3,a2 => r33 = r7 * r6
3c500 70aa0000 madd a1,t2 => r33 = ?
3d760 7c021620 seh v0,v0 => r2 = r2 << 0x10; r2 = r2 >>> 0x10
3ee38 00800013 mtlo a0 => r33 = r4
42768 7c437bc4 ins v1,v0,0xf,0x1 => r3[15:1] = r2
4431c 00800011 mthi a0 =>
44320 71220005 msubu t1,v0 => r33 = ?
457d4 72640001 maddu s3,a0 => r33 = ?
59ccc 84440002 lh a0,2(v0) => r4 = i2 [r2+2]
a7600 cca40000 pref 0x4,0(a1) =>
";

/// What compilers and assembler texts of other versions have: assembled, and printed by objdump.
const ASSEMBLED: &str = "
0 5040ffff8ca40008 beqzl v0,0 / lw a0,8(a1) => r4 = ?; if r2 == 0 jump 0x0
8 5460fffdaca40000 bnezl v1,0 / sw a0,0(a1) => 4 [r5] = ?; if r3 != 0 jump 0x0
10 0491fffb00000000 bgezal a0,0 / nop => r31 = ?; call 0x0
18 0410fff900000000 bltzal zero,0 / nop => r31 = 0x20
20 0c00000024840064 jal 0 / addiu a0,a0,100 => r31 = ?; r4 = r4 + 0x64; call 0x0
28 0800000000000000 j 0 / nop => jump 0x0
30 03e0000827bd0020 jr ra / addiu sp,sp,32 => r29 = r29 + 0x20; return
38 0320f8090200c825 jalr t9 / move t9,s0 => r31 = ?; r32 = r25; r25 = r16; call r32
40 1440ffef8c620000 bnez v0,0 / lw v0,0(v1) => r32 = r2; r2 = i4 [r3]; if r32 != 0 jump 0x0
48 1080ffed24840001 beqz a0,0 / addiu a0,a0,1 => r32 = r4; r4 = r4 + 0x1; if r32 == 0 jump 0x0
50 0040000800000000 jr v0 / nop => jump r2
58 00000034 teq zero,zero => stop
5c 1000ffe800002025 b 0 / move a0,zero => r4 = 0x0; jump 0x0
64 1800ffe600000000 blez zero,0 / nop => jump 0x0
6c 1400ffe400000000 bnez zero,0 / nop =>
9c 3c000001 lui zero,0x1 =>
a0 2404ffff li a0,-1 => r4 = -0x1
a4 a3a00003 sb zero,3(sp) => 1 [r29+3] = 0x0
a8 8c040010 lw a0,16(zero) => r4 = i4 [0x10]
ac 24047fff li a0,32767 => r4 = 0x7fff
b0 00a02023 subu a0,a1,zero => r4 = r5
b4 00601001 movf v0,v1,$fcc0 => r2 = ?
b8 4ca40000 lwxc1 $f0,a0(a1) =>
bc 4ca40009 sdxc1 $f0,a0(a1) => 8 [r5+r4] = ?
c0 0320fc0900000000 jalr.hb t9 / nop => r31 = ?; call r25
cc b4a40003 sdr a0,3(a1) => 8 [r5-4] = ?
d0 fca40000 sd a0,0(a1) => 8 [r5] = r4
d4 dca40008 ld a0,8(a1) => r4 = u8 [r5+8]
d8 64840008 daddiu a0,a0,8 => r4 = r4 + 0x8
dc 0004203c dsll32 a0,a0,0x0 => r4 = ?
e0 40846000 mtc0 a0,c0_status =>
e4 42000018 eret => stop
e8 41646000 di a0 => r4 = ?
88 03e0000898830007 jr ra / lwr v1,7(a0) => r3 = i4 [r4+4]; return
74 8882000098820003 lwl v0,0(a0); lwr v0,3(a0) => r2 = i4 [r4]; r2 = i4 [r4]
74 888200008883000498820003988300078c840000 lwl v0,0(a0); lwl v1,4(a0); lwr v0,3(a0); lwr v1,7(a0); lw a0,0(a0) => r2 = i4 [r4]; r3 = i4 [r4+4]; r2 = i4 [r4]; r3 = i4 [r4+4]; r4 = i4 [r4]
7c a8a2000100000000b8a20004 swl v0,1(a1); nop; swr v0,4(a1) => 4 [r5+1] = r2; 4 [r5+1] = r2
90 8882000098c20003 lwl v0,0(a0); lwr v0,3(a2) => r2 = i4 [r4]; r2 = i4 [r6]
90 888200000085202198820007 lwl v0,0(a0); addu a0,a0,a1; lwr v0,7(a0) => r2 = i4 [r4]; r4 = r4 + r5; r2 = i4 [r4+4]
ec c8a40000 lwc2 $4,0(a1) => unknown
f0 1000000010000000 b; b => unknown
";

/// From Debian's busybox, with what `mipsel-linux-gnu-objdump -d` prints; the last ones are assembled.
const LITTLE_REAL: &str = "
5ef0 2500e003 move zero,ra =>
5ef4 0100110400000000 bal 5efc / nop => r31 = 0x5efc
5efc 12001c3c lui gp,0x12 => r28 = 0x120000
5f00 54229c27 addiu gp,gp,8788 => r28 = r28 + 0x2254
5f0c 1880848f lw a0,-32744(gp) => r4 = i4 [r28-32744]
5f18 f8ff0124 li at,-8 => r1 = -0x8
5f28 1000a0af sw zero,16(sp) => 4 [r29+16] = 0x0
5f38 09f8200300000000 jalr t9 / nop => r31 = ?; call r25
5f40 ffff001000000000 b 5f40 / nop => jump 0x5f40
5f68 050044109490998f beq v0,a0,5f80 / lw t9,-28524(gp) => r25 = i4 [r28-28524]; branch 0x5f80
5f70 0300201300000000 beqz t9,5f80 / nop => if r25 == 0 jump 0x5f80
5f78 0800200300000000 jr t9 / nop => jump r25
74 0300828800008298 lwl v0,3(a0); lwr v0,0(a0) => r2 = i4 [r4]; r2 = i4 [r4]
7c 0700a2a80400a2b8 swl v0,7(a1); swr v0,4(a1) => 4 [r5+4] = r2; 4 [r5+4] = r2
7c 0700a2a80300a2b8 swl v0,7(a1); swr v0,3(a1) => 4 [r5+4] = r2; 4 [r5+3] = r2
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
    compare(&BIG, REAL);
    compare(&BIG, ASSEMBLED);
    compare(&LITTLE, LITTLE_REAL);
}

#[test]
fn first_instructions_of_functions_are_known() {
    let first: &[&[u8]] = &[
        &[0x27, 0xbd, 0xff, 0xe0],
        &[0x3c, 0x1c, 0x00, 0x1c, 0x27, 0x9c, 0x89, 0x90],
    ];
    let other: &[&[u8]] = &[
        &[0x27, 0xbd, 0x00, 0x20],
        &[0x27, 0xbd, 0xff],
        &[0x3c, 0x1c, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x00],
    ];
    assert!(first.iter().all(|code| BIG.is_prologue(code)));
    assert!(!other.iter().any(|code| BIG.is_prologue(code)));
}

#[test]
fn any_words_are_read_within_their_bounds() {
    let (mut state, mut ops) = (0x1234_5678, Vec::new());
    for index in 0..1_000_000_u32 {
        // Every opcode and function is tried, with what is random in between.
        let word = match index {
            0..0x1_0000 => index << 16 | random(&mut state) & 0xffff,
            0x1_0000..0x2_0000 => index,
            _ => random(&mut state),
        };
        let mut code = word.to_be_bytes().to_vec();
        code.extend((0..6).flat_map(|_| random(&mut state).to_be_bytes()));
        for reader in [BIG, LITTLE] {
            let mut mode = index.to_le_bytes()[0];
            ops.clear();
            let length = reader.decode(&code, 0xffff_fffc, &mut mode, &mut ops);
            assert!(matches!(length, None | Some(4 | 8)), "{word:#x}");
            assert!(ops.iter().all(|op| written(op) != Some(ZERO)), "{word:#x}");
        }
    }
}

#[test]
fn code_that_ends_is_not_read_past_its_end() {
    // `jal`, `lwl`.
    let code = [0x0c, 0, 1, 2, 0x88, 0x82, 0, 0];
    for length in 0..8 {
        let (mut ops, mut mode) = (Vec::new(), 0);
        let read = BIG.decode(&code[..length], 0, &mut mode, &mut ops);
        assert_eq!(read, None, "{length}");
        let read = BIG.decode(&code[4..4 + length.min(4)], 0, &mut mode, &mut ops);
        assert_eq!(read, (length >= 4).then_some(4), "{length}");
    }
    assert_eq!(BIG.decode(&code, 0, &mut 0, &mut Vec::new()), Some(8));
}
