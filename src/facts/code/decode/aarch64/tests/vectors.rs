//! Vectors, shifts and the order of bytes: assembled with `aarch64-linux-gnu-as`, with what objdump prints, and executed in unicorn (but for
//! scalable ones) with the same result.

use super::*;

const ASSEMBLED: &str = "
420000 000440ad ldp q0, q1, [x0] => r34 = u8 [r0]; r35 = u8 [r0+8]; r36 = u8 [r0+16]; r37 = u8 [r0+24]
420004 e00701ad stp q0, q1, [sp, #32] => 8 [r31+32] = r34; 8 [r31+40] = r35; 8 [r31+48] = r36; 8 [r31+56] = r37
420008 2004c03d ldr q0, [x1, #16] => r34 = u8 [r1+16]; r35 = u8 [r1+24]
42000c ff0f9e3c str q31, [sp, #-32]! => 8 [r31-32] = r54; 8 [r31-24] = r55; r31 = r31 + -0x20
420010 228440fc ldr d2, [x1], #8 => r38 = u8 [r1]; r39 = 0x0; r1 = r1 + 0x8
420014 230400bd str s3, [x1, #4] => 4 [r1+4] = r40
420018 2308007d str h3, [x1, #4] => 2 [r1+4] = r40
42001c 2368623c ldr b3, [x1, x2] => r40 = u1 [r1+r2]; r41 = 0x0
420020 3ed0df3c ldur q30, [x1, #-3] => r52 = u8 [r1-3]; r53 = u8 [r1+5]
420024 0700c03d ldr q7, [x0] =>
420028 0700803d str q7, [x0] => 16 [r0] = ?
42002c 0000005c ldr d0, 42002c => r34 = u8 [0x42002c]; r35 = 0x0
420030 1c00009c ldr q28, 420030 => r48 = u8 [0x420030]; r49 = u8 [0x420038]
420034 0004402d ldp s0, s1, [x0] => r34 = u4 [r0]; r35 = 0x0; r36 = u4 [r0+4]; r37 = 0x0
420038 e417bf6d stp d4, d5, [sp, #-16]! => 8 [r31-16] = r42; 8 [r31-8] = r44; r31 = r31 + -0x10
42003c 0070404c ld1 {v0.16b}, [x0] => r34 = u8 [r0]; r35 = u8 [r0+8]
420040 00acdf4c ld1 {v0.2d, v1.2d}, [x0], #32 => r34 = u8 [r0]; r35 = u8 [r0+8]; r36 = u8 [r0+16]; r37 = u8 [r0+24]; r0 = r0 + 0x20
420044 0560c10c ld1 {v5.8b-v7.8b}, [x0], x1 => r44 = u8 [r0]; r45 = 0x0; r46 = u8 [r0+8]; r47 = 0x0; r0 = r0 + r1
420048 fe2b004c st1 {v30.4s, v31.4s, v0.4s, v1.4s}, [sp] => 8 [r31] = r52; 8 [r31+8] = r53; 8 [r31+16] = r54; 8 [r31+24] = r55; 8 [r31+32] = r34; 8 [r31+40] = r35; 8 [r31+48] = r36; 8 [r31+56] = r37
42004c 0088404c ld2 {v0.4s, v1.4s}, [x0] => r34 = ?; r35 = ?; r36 = ?; r37 = ?
420050 0088004c st2 {v0.4s, v1.4s}, [x0] => 32 [r0] = ?
420054 0090404d ld1 {v0.s}[3], [x0] => r32 = u4 [r0]; r35[32:32] = r32
420058 0084df4d ld1 {v0.d}[1], [x0], #8 => r35 = u8 [r0]; r0 = r0 + 0x8
42005c 0048004d st1 {v0.h}[5], [x0] => r32 = r35 >> 0x10; 2 [r0] = r32
420060 0000000d st1 {v0.b}[0], [x0] => 1 [r0] = r34
420064 00c8df4d ld1r {v0.4s}, [x0], #4 => r34 = u4 [r0]; r34 = r34 & 0xffffffff; r34 = r34 * 0x100000001; r35 = r34; r0 = r0 + 0x4
420068 00cc404d ld1r {v0.2d}, [x0] => r34 = u8 [r0]; r35 = r34
42006c 05e0600d ld4r {v5.8b-v8.8b}, [x0] => r44 = ?; r45 = ?; r46 = ?; r47 = ?
420070 0004004f movi v0.4s, #0x0 => r34 = 0x0; r35 = 0x0
420074 a1e4002f movi d1, #0xff00ff => r36 = 0xff00ff; r37 = 0x0
420078 4126000f movi v1.2s, #0x12, lsl #8 => r36 = 0x120000001200; r37 = 0x0
42007c 41d6006f mvni v1.4s, #0x12, msl #16 => r36 = 0xffed0000ffed0000; r37 = 0xffed0000ffed0000
420080 21e4034f movi v1.16b, #0x61 => r36 = 0x6161616161616161; r37 = 0x6161616161616161
420084 02f6036f fmov v2.2d, #1.000000000000000000e+00 => r38 = 0x3ff0000000000000; r39 = 0x3ff0000000000000
420088 82f4044f fmov v2.4s, #-2.500000000000000000e+00 => r38 = 0xc0200000c0200000; r39 = 0xc0200000c0200000
42008c 22b4004f orr v2.8h, #0x1, lsl #8 => r38 = r38 | 0x100010001000100; r39 = r39 | 0x100010001000100
420090 2214002f bic v2.2s, #0x1 => r38 = r38 & 0xfffffffefffffffe; r39 = 0x0
420094 201ca14e mov v0.16b, v1.16b => r34 = r36; r35 = r37
420098 201ca10e mov v0.8b, v1.8b => r34 = r36; r35 = 0x0
42009c e01ca74e mov v0.16b, v7.16b => r34 = ?; r35 = ?
4200a0 201c224e and v0.16b, v1.16b, v2.16b => r34 = r36 & r38; r35 = r37 & r39
4200a4 201d296e eor v0.16b, v9.16b, v9.16b => r34 = 0x0; r35 = 0x0
4200a8 2000679e fmov d0, x1 => r34 = r1; r35 = 0x0
4200ac e003679e fmov d0, xzr => r34 = 0x0; r35 = 0x0
4200b0 2000271e fmov s0, w1 => r34 = r1 & 0xffffffff; r35 = 0x0
4200b4 0100669e fmov x1, d0 => r1 = r34
4200b8 0100261e fmov w1, s0 => r1 = r34 & 0xffffffff
4200bc 0100ae9e fmov x1, v0.d[1] => r1 = r35
4200c0 2000af9e fmov v0.d[1], x1 => r35 = r1
4200c4 2040601e fmov d0, d1 => r34 = r36; r35 = 0x0
4200c8 2040201e fmov s0, s1 => r34 = r36 & 0xffffffff; r35 = 0x0
4200cc 00106e1e fmov d0, #1.000000000000000000e+00 => r34 = 0x3ff0000000000000; r35 = 0x0
4200d0 00102c1e fmov s0, #5.000000000000000000e-01 => r34 = 0x3f000000; r35 = 0x0
4200d4 200c084e dup v0.2d, x1 => r34 = r1; r35 = r34
4200d8 200c044e dup v0.4s, w1 => r34 = r1 & 0xffffffff; r34 = r34 * 0x100000001; r35 = r34
4200dc e00f010e dup v0.8b, wzr => r34 = 0x0; r35 = 0x0
4200e0 2004184e dup v0.2d, v1.d[1] => r34 = r37; r35 = r34
4200e4 2004164e dup v0.8h, v1.h[5] => r34 = r37 >> 0x10; r34 = r34 & 0xffff; r34 = r34 * 0x1000100010001; r35 = r34
4200e8 2004185e mov d0, v1.d[1] => r34 = r37; r35 = 0x0
4200ec 20041c5e mov s0, v1.s[3] => r34 = r37 >> 0x20; r34 = r34 & 0xffffffff; r35 = 0x0
4200f0 201c184e mov v0.d[1], x1 => r35 = r1
4200f4 201c1c4e mov v0.s[3], w1 => r35[32:32] = r1
4200f8 2004186e mov v0.d[1], v1.d[0] => r35 = r36
4200fc 20640c6e mov v0.s[1], v1.s[3] => r32 = r37 >> 0x20; r34[32:32] = r32
420100 013c184e mov x1, v0.d[1] => r1 = r35
420104 013c0c0e mov w1, v0.s[1] => r1 = r34 >> 0x20; r1 = r1 & 0xffffffff
420108 013c1f0e umov w1, v0.b[15] => r1 = r35 >> 0x38; r1 = r1 & 0xff
42010c 012c064e smov x1, v0.h[1] => r1 = r34 << 0x20; r1 = r1 >>> 0x30
420110 012c010e smov w1, v0.b[0] => r1 = r34 << 0x38; r1 = r1 >>> 0x38; r1 = r1 & 0xffffffff
420114 2084e24e add v0.2d, v1.2d, v2.2d => r34 = r36 + r38; r35 = r37 + r39
420118 2038c24e zip1 v0.2d, v1.2d, v2.2d => r35 = r38; r34 = r36
42011c 2058c24e uzp2 v0.2d, v1.2d, v2.2d => r34 = r37; r35 = r39
420120 2040016e ext v0.16b, v1.16b, v1.16b, #8 => r32 = r37; r35 = r36; r34 = r32
420124 2084a24e add v0.4s, v1.4s, v2.4s => r34 = ?; r35 = ?
420128 2328621e fadd d3, d1, d2 => r40 = ?; r41 = ?
42012c 0020611e fcmp d0, d1 =>
420130 0004211e fccmp s0, s1, #0x0, eq =>
420134 2000629e scvtf d0, x1 => r34 = ?; r35 = ?
420138 0100789e fcvtzs x1, d0 => r1 = ?
42013c 2048284e aese v0.16b, v1.16b => r34 = ?; r35 = ?
420140 2020c21a lsl w0, w1, w2 => r32 = r2 & 0x1f; r0 = r1 << r32; r0 = r0 & 0xffffffff
420144 2024c21a lsr w0, w1, w2 => r32 = r2 & 0x1f; r33 = r1 & 0xffffffff; r0 = r33 >> r32
420148 2028c21a asr w0, w1, w2 => r32 = r2 & 0x1f; r33 = r1 & 0xffffffff; r33 = r33 << 0x20; r33 = r33 >>> 0x20; r0 = r33 >>> r32; r0 = r0 & 0xffffffff
42014c 2028c29a asr x0, x1, x2 => r32 = r2 & 0x3f; r0 = r1 >>> r32
420150 2024df9a lsr x0, x1, xzr => r0 = r1
420154 202cc21a ror w0, w1, w2 => r32 = r2 & 0x1f; r33 = r1 & 0xffffffff; r33 = r33 | (r33 << 32); r0 = r33 >> r32; r0 = r0 & 0xffffffff
420158 202cc29a ror x0, x1, x2 => r32 = r2 & 0x3f; r33 = r1 >> r32; r32 = r32 ^ 0x3f; r32 = r1 << r32; r0 = r33 | (r32 << 1)
42015c 20208113 ror w0, w1, #8 => r32 = r1 & 0xffffffff; r32 = r32 >> 0x8; r0 = r32 | (r1 << 24); r0 = r0 & 0xffffffff
420160 20e0c193 ror x0, x1, #56 => r32 = r1 >> 0x38; r0 = r32 | (r1 << 8)
420164 20608213 extr w0, w1, w2, #24 => r32 = r2 & 0xffffffff; r32 = r32 >> 0x18; r0 = r32 | (r1 << 8); r0 = r0 & 0xffffffff
420168 200cc0da rev x0, x1 => r0 = r1 swap 0x8
42016c 2008c05a rev w0, w1 => r0 = r1 swap 0x4; r0 = r0 & 0xffffffff
420170 2004c05a rev16 w0, w1 => r0 = r1 swap 0x2; r0 = r0 & 0xffffffff
420174 2004c0da rev16 x0, x1 => r0 = r1 swap 0x2
420178 2008c0da rev32 x0, x1 => r0 = r1 swap 0x4
42017c 2000c05a rbit w0, w1 => r0 = ?
420180 2010c0da clz x0, x1 => r0 = ?
420184 e00bc05a rev w0, wzr => r0 = 0x0
420000 00a0e0a5 ld1d {z0.d}, p0/z, [x0] => r0 = ?; r34 = ?; r35 = ?; r36 = ?; r37 = ?; r38 = ?; r39 = ?; r40 = ?; r41 = ?
420004 a500e104 add z5.d, z5.d, z1.d => r5 = ?; r42 = ?; r43 = ?; r44 = ?; r45 = ?; r46 = ?; r47 = ?
";

#[test]
fn vectors_are_followed_in_halves() {
    compare(&READER, ASSEMBLED);
}

#[test]
fn vectors_of_big_endian_memory_are_not_followed() {
    let reader = Aarch64 { data: Endian::Big };
    let rows = "
420000 000440ad ldp q0, q1, [x0] =>
420004 e00701ad stp q0, q1, [sp, #32] => 16 [r31+32] = ?; 16 [r31+48] = ?
4200b4 0100669e fmov x1, d0 => r1 = ?
";
    compare(&reader, rows);
}
