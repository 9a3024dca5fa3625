use super::super::super::op::text::compare;
use super::*;

const NARROW: X86 = X86 { bits: 32 };
const WIDE: X86 = X86 { bits: 64 };

/// From Debian's bash and C library, with what `objdump -d -M intel` prints.
const REAL_WIDE: &str = "
2fe20 48898424b0000000 mov QWORD PTR [rsp+0xb0],rax => 8 [r4+176] = r0
2fe30 0f0b ud2 => stop
2fe8c 0fb6042500000000 movzx eax,BYTE PTR ds:0x0 => r0 = u1 [0x0]
2feaa 660f1f440000 nop WORD PTR [rax+rax*1+0x0] =>
2feb0 4157 push r15 => r4 = r4 - 0x8; 8 [r4] = r15
2feba 4881ec48010000 sub rsp,0x148 => r4 = r4 - 0x148
2fec5 488d3d14c61000 lea rdi,[rip+0x10c614] => r7 = 0x13c4e0
2fed0 31f6 xor esi,esi => r6 = 0x0
2feea e811feffff call 2fd00 => call 0x2fd00
2feef 85c0 test eax,eax =>
2fef1 7543 jne 2ff36 => branch 0x2ff36
2fefd 833d5c4a100000 cmp DWORD PTR [rip+0x104a5c],0x0 =>
2ff04 743a je 2ff40 => branch 0x2ff40
2ff10 ebeb jmp 2fefd => jump 0x2fefd
2ff89 660fefc0 pxor xmm0,xmm0 => r16 = 0x0; r17 = 0x0
2ff94 0f2905b5c00f00 movaps XMMWORD PTR [rip+0xfc0b5],xmm0 => 8 [0x12c050] = r16; 8 [0x12c058] = r17
2ffdd 0f95c2 setne dl => r2 = ?
300ca 4883c001 add rax,0x1 => r0 = r0 + 0x1
302a8 4863c1 movsxd rax,ecx => r0 = r1 << 0x20; r0 = r0 >>> 0x20
30352 48c1e505 shl rbp,0x5 => r5 = r5 << 0x5
30500 410fbe2e movsx ebp,BYTE PTR [r14] => r5 = i1 [r14]; r5 = r5 & 0xffffffff
3064e 83cfff or edi,0xffffffff => r7 = 0xffffffff
306ee f7d0 not eax => r0 = r0 ^ -0x1; r0 = r0 & 0xffffffff
309d8 80e201 and dl,0x1 => r33 = r2 & 0x1; r2[0:8] = r33
31755 5e pop rsi => r6 = u8 [r4]; r4 = r4 + 0x8
31771 f4 hlt => stop
317a8 c3 ret => return
317c4 48c1ee3f shr rsi,0x3f => r6 = r6 >> 0x3f
317c8 48c1f803 sar rax,0x3 => r0 = r0 >>> 0x3
317f0 f30f1efa endbr64 =>
31a18 490f44dd cmove rbx,r13 => r3 = ?
31e30 48b92f62696e2f736800 movabs rcx,0x68732f6e69622f => r1 = 0x68732f6e69622f
32d67 480fa3c8 bt rax,rcx =>
32ee6 4898 cdqe => r0 = r0 << 0x20; r0 = r0 >>> 0x20
33387 19c0 sbb eax,eax => r0 = ?
3388e 66480f6ed3 movq xmm2,rbx => r20 = r3; r21 = 0x0
338b1 660f6cc2 punpcklqdq xmm0,xmm2 => r17 = r20
338b5 0f160ddc141000 movhps xmm1,QWORD PTR [rip+0x1014dc] => r19 = u8 [0x134d98]
338c6 0f114820 movups XMMWORD PTR [rax+0x20],xmm1 => 8 [r0+32] = r18; 8 [r0+40] = r19
34954 660f6f05c4c60b00 movdqa xmm0,XMMWORD PTR [rip+0xbc6c4] => r16 = u8 [0xf1020]; r17 = u8 [0xf1028]
36235 660f6e0547eb0f00 movd xmm0,DWORD PTR [rip+0xfeb47] => r16 = u4 [0x134d84]; r17 = 0x0
3be32 f7da neg edx => r33 = 0x0; r2 = r33 - r2; r2 = r2 & 0xffffffff
3be56 83d0ff adc eax,0xffffffff => r0 = ?
3ebf7 49f7e1 mul r9 => r2 = ?; r0 = ?
4292f 0fafc5 imul eax,ebp => r0 = r0 * r5; r0 = r0 & 0xffffffff
44ed9 99 cdq => r2 = ?
44eda f73c8f idiv DWORD PTR [rdi+rcx*4] => r0 = ?; r2 = ?
97e3b 660f70c1e0 pshufd xmm0,xmm1,0xe0 => r16 = ?; r17 = ?
b1bdd db7c2420 fstp TBYTE PTR [rsp+0x20] => 10 [r4+32] = ?
b2d83 f20f11442420 movsd QWORD PTR [rsp+0x20],xmm0 => 8 [r4+32] = r16
b30e0 f2480f2ac0 cvtsi2sd xmm0,rax => r16 = ?; r17 = ?
c3b32 66c1c708 rol di,0x8 => r33 = r7 swap 0x2; r7[0:16] = r33
c3b6d 0fcf bswap edi => r7 = r7 swap 0x4; r7 = r7 & 0xffffffff
c4ce4 0f12d0 movhlps xmm2,xmm0 => r20 = ?; r21 = ?
263d9 f00fb1158fea1a00 lock cmpxchg DWORD PTR [rip+0x1aea8f],edx => 4 [0x1d4e70] = ?; r0 = ?
263f2 ff057cea1a00 inc DWORD PTR [rip+0x1aea7c] => r32 = u4 [0x1d4e74]; r32 = r32 + 0x1; 4 [0x1d4e74] = r32
26428 0f05 syscall => system call; r1 = ?; r11 = ?
26443 ffc8 dec eax => r0 = r0 - 0x1; r0 = r0 & 0xffffffff
3ad50 db6c2418 fld TBYTE PTR [rsp+0x18] =>
3b340 660fd7c0 pmovmskb eax,xmm0 => r0 = ?
3b440 f30f1015b8581600 movss xmm2,DWORD PTR [rip+0x1658b8] => r20 = u4 [0x1a0d00]; r21 = 0x0
3d3f0 410fbdc5 bsr eax,r13d => r0 = ?
4c6d5 e3a9 jrcxz 4c680 => if r1 == 0 jump 0x4c680
4ceaa 4c0fa5d0 shld rax,r10,cl => r0 = ?
4df29 c9 leave => r4 = r5; r5 = u8 [r4]; r4 = r4 + 0x8
4df90 4c0fadd0 shrd rax,r10,cl => r0 = ?
85bff c6f8ff xabort 0xff =>
9bc95 0fbcc7 bsf eax,edi => r0 = ?
a52d1 660f120f movlpd xmm1,QWORD PTR [rdi] => r18 = u8 [r7]
affd2 c5f877 vzeroupper => r16 = ?; r17 = ?; r18 = ?; r19 = ?; r20 = ?; r21 = ?; r22 = ?; r23 = ?; r24 = ?; r25 = ?; r26 = ?; r27 = ?; r28 = ?; r29 = ?; r30 = ?; r31 = ?
152085 c5f96ec6 vmovd xmm0,esi => r16 = r6 & 0xffffffff; r17 = 0x0
15232a c5fe6f0e vmovdqu ymm1,YMMWORD PTR [rsi] => r18 = ?; r19 = ?
152653 0f38f007 movbe eax,DWORD PTR [rdi] => r0 = ?
153723 c5f9efc0 vpxor xmm0,xmm0,xmm0 => r16 = 0x0; r17 = 0x0
2feef 85c07405 test eax,eax; je 2fef8 => if r0 == 0 jump 0x2fef8
2feef 85c0907505 test eax,eax; nop; jne 2fef9 => branch 0x2fef9
2feef 4883fb007505 cmp rbx,0x0; jne 2fefa => if r3 != 0 jump 0x2fefa
2feef 84c07505 test al,al; jne 2fef8 => branch 0x2fef8
";

/// From Debian's busybox for i386.
const REAL_NARROW: &str = "
75c0 31ed xor ebp,ebp => r5 = 0x0
75c2 5e pop esi => r6 = u4 [r4]; r4 = r4 + 0x4
75c3 89e1 mov ecx,esp => r1 = r4
75c5 83e4f0 and esp,0xfffffff0 => r4 = r4 & -0x10
75c8 50 push eax => r4 = r4 - 0x4; 4 [r4] = r0
75cb e818000000 call 75e8 => call 0x75e8
75d0 81c378140b00 add ebx,0xb1478 => r3 = r3 + 0xb1478
75e7 f4 hlt => stop
75eb c3 ret => return
760b 8d8a14070000 lea ecx,[edx+0x714] => r1 = r2 + 0x714
7617 39c8 cmp eax,ecx =>
7619 741d je 7638 => branch 0x7638
7621 85c0 test eax,eax =>
7628 83ec14 sub esp,0x14 => r4 = r4 - 0x14
7631 c9 leave => r4 = r5; r5 = u4 [r4]; r4 = r4 + 0x4
7637 90 nop =>
7662 c1e81f shr eax,0x1f => r0 = r0 >> 0x1f
7665 c1fb02 sar ebx,0x2 => r3 = r3 >>> 0x2
76a9 7527 jne 76d2 => branch 0x76d2
76e0 e95bffffff jmp 7640 => jump 0x7640
771c f7d9 neg ecx => r33 = 0x0; r1 = r33 - r1
7726 83d300 adc ebx,0x0 => r3 = ?
773c f7542408 not DWORD PTR [esp+0x8] => r32 = u4 [r4+8]; r32 = r32 ^ -0x1; 4 [r4+8] = r32
7788 0fbdc3 bsr eax,ebx => r0 = ?
77db d3e3 shl ebx,cl => r3 = ?
77e3 09da or edx,ebx => r2 = r2 | r3
780a f7e7 mul edi => r2 = ?; r0 = ?
7965 1b542414 sbb edx,DWORD PTR [esp+0x14] => r2 = ?
7975 0fb64c241c movzx ecx,BYTE PTR [esp+0x1c] => r1 = u1 [r4+28]
7ca8 4a dec edx => r2 = r2 - 0x1
7d4c 46 inc esi => r6 = r6 + 0x1
821e 0f95c1 setne cl => r1 = ?
839c 99 cdq => r2 = ?
839d f7f9 idiv ecx => r0 = ?; r2 = ?
8e3b 0fbe8311070000 movsx eax,BYTE PTR [ebx+0x711] => r0 = i1 [r3+1809]
906e 0fbae00b bt eax,0xb =>
b122 f76c2404 imul DWORD PTR [esp+0x4] => r2 = ?; r0 = ?
15dbd d0c0 rol al,1 => r0 = ?
1dc4b 0fc8 bswap eax => r0 = r0 swap 0x4
1ff41 0facd00a shrd eax,edx,0xa => r0 = ?
23269 d983e023feff fld DWORD PTR [ebx-0x1dc20] =>
23277 ddda fstp st(2) =>
23279 9e sahf =>
382f4 0fa4c20a shld edx,eax,0xa => r2 = ?
8e270 db1424 fist DWORD PTR [esp] => 4 [r4] = ?
";

/// What other compilers and assembler texts have: assembled, and printed by objdump.
const ASSEMBLED_WIDE: &str = "
0 e800000000 call 5 => r4 = r4 - 0x8; 8 [r4] = 0x5
5 5b pop rbx => r3 = u8 [r4]; r4 = r4 + 0x8
6 b041 mov al,0x41 => r0[0:8] = 0x41
8 b442 mov ah,0x42 => r0[8:8] = 0x42
a 66b84342 mov ax,0x4243 => r0[0:16] = 0x4243
e 66c74424047368 mov WORD PTR [rsp+0x4],0x6873 => 2 [r4+4] = 0x6873
15 c644240600 mov BYTE PTR [rsp+0x6],0x0 => 1 [r4+6] = 0x0
1a 48c70424ffffffff mov QWORD PTR [rsp],0xffffffffffffffff => 8 [r4] = -0x1
22 88e3 mov bl,ah => r34 = r0 >> 0x8; r3[0:8] = r34
24 0fb6c4 movzx eax,ah => r34 = r0 >> 0x8; r0 = r34 & 0xff
27 80340f5a xor BYTE PTR [rdi+rcx*1],0x5a => r32 = u1 [r7+r1]; r32 = r32 ^ 0x5a; 1 [r7+r1] = r32
2b 345a xor al,0x5a => r33 = r0 ^ 0x5a; r0[0:8] = r33
2d ff07 inc DWORD PTR [rdi] => r32 = u4 [r7]; r32 = r32 + 0x1; 4 [r7] = r32
2f 48c12703 shl QWORD PTR [rdi],0x3 => r32 = u8 [r7]; r32 = r32 << 0x3; 8 [r7] = r32
33 c1f804 sar eax,0x4 => r0 = r0 << 0x20; r0 = r0 >>> 0x24; r0 = r0 & 0xffffffff
36 48c1f804 sar rax,0x4 => r0 = r0 >>> 0x4
3a c1e808 shr eax,0x8 => r0 = r0 & 0xffffffff; r0 = r0 >> 0x8
3d c1e008 shl eax,0x8 => r0 = r0 << 0x8; r0 = r0 & 0xffffffff
40 0fc8 bswap eax => r0 = r0 swap 0x4; r0 = r0 & 0xffffffff
42 480fc9 bswap rcx => r1 = r1 swap 0x8
45 66c1c008 rol ax,0x8 => r33 = r0 swap 0x2; r0[0:16] = r33
49 4893 xchg rbx,rax => r33 = r3; r3 = r0; r0 = r33
4b 93 xchg ebx,eax => r33 = r3; r3 = r0 & 0xffffffff; r0 = r33 & 0xffffffff
4c 8707 xchg DWORD PTR [rdi],eax => r32 = u4 [r7]; 4 [r7] = r0; r0 = r32 & 0xffffffff
4e 54 push rsp => r33 = r4; r4 = r4 - 0x8; 8 [r4] = r33
4f 5c pop rsp => r4 = u8 [r4]
50 ff742408 push QWORD PTR [rsp+0x8] => r32 = u8 [r4+8]; r4 = r4 - 0x8; 8 [r4] = r32
54 8f442408 pop QWORD PTR [rsp+0x8] => r32 = u8 [r4]; r4 = r4 + 0x8; 8 [r4+8] = r32
58 0fa0 push fs => r32 = ?; r4 = r4 - 0x8; 8 [r4] = r32
5a c9 leave => r4 = r5; r5 = u8 [r4]; r4 = r4 + 0x8
5b c8100000 enter 0x10,0x0 => 8 [r4-8] = ?; r4 = ?; r5 = ?
5f e39f jrcxz 0 => if r1 == 0 jump 0x0
61 e29d loop 0 => r1 = r1 - 0x1; branch 0x0
63 648b042528000000 mov eax,DWORD PTR fs:0x28 => r0 = ?
6b 6489042528000000 mov DWORD PTR fs:0x28,eax =>
73 a4 movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi] => r32 = u1 [r6]; r6 = r6 + 0x1; 1 [r7] = r32; r7 = r7 + 0x1
74 48ab stos QWORD PTR es:[rdi],rax => 8 [r7] = r0; r7 = r7 + 0x8
76 ad lods eax,DWORD PTR ds:[rsi] => r0 = u4 [r6]; r6 = r6 + 0x4
7c f2ae repnz scas al,BYTE PTR es:[rdi] => r1 = ?; r7 = ?
7e 0f280500010000 movaps xmm0,XMMWORD PTR [rip+0x100] => r16 = u8 [0x185]; r17 = u8 [0x18d]
85 0f11442410 movups XMMWORD PTR [rsp+0x10],xmm0 => 8 [r4+16] = r16; 8 [r4+24] = r17
8a 66480f6ec8 movq xmm1,rax => r18 = r0; r19 = 0x0
8f f30f7e17 movq xmm2,QWORD PTR [rdi] => r20 = u8 [r7]; r21 = 0x0
93 660f6cca punpcklqdq xmm1,xmm2 => r19 = r20
97 0f1617 movhps xmm2,QWORD PTR [rdi] => r21 = u8 [r7]
9a 0f1317 movlps QWORD PTR [rdi],xmm2 => 8 [r7] = r20
9d 660fefc0 pxor xmm0,xmm0 => r16 = 0x0; r17 = 0x0
a1 660f6ed9 movd xmm3,ecx => r22 = r1 & 0xffffffff; r23 = 0x0
a5 f30f111f movss DWORD PTR [rdi],xmm3 => 4 [r7] = r22
a9 f20f100f movsd xmm1,QWORD PTR [rdi] => r18 = u8 [r7]; r19 = 0x0
ad 66440f6fc9 movdqa xmm9,xmm1 =>
b2 440f110f movups XMMWORD PTR [rdi],xmm9 => 16 [r7] = ?
b6 c5fe6f0f vmovdqu ymm1,YMMWORD PTR [rdi] => r18 = ?; r19 = ?
ba c5fe7f0f vmovdqu YMMWORD PTR [rdi],ymm1 => 32 [r7] = ?
be 4885c0 test rax,rax =>
c1 f0480fb10f lock cmpxchg QWORD PTR [rdi],rcx => 8 [r7] = ?; r0 = ?
c6 480fc70f cmpxchg16b OWORD PTR [rdi] => 16 [r7] = ?; r0 = ?; r2 = ?
ca 0f01d0 xgetbv => r0 = ?; r2 = ?
cd 48f7d0 not rax => r0 = r0 ^ -0x1
d0 f7d8 neg eax => r33 = 0x0; r0 = r33 - r0; r0 = r0 & 0xffffffff
d2 486bc064 imul rax,rax,0x64 => r0 = r0 * 0x64
d6 0fafc3 imul eax,ebx => r0 = r0 * r3; r0 = r0 & 0xffffffff
d9 488d448b08 lea rax,[rbx+rcx*4+0x8] => r0 = r3 + (r1 << 2); r0 = r0 + 0x8
de 488d04cd00000000 lea rax,[rcx*8+0x0] => r0 = r1 << 0x3
e6 8d4301 lea eax,[rbx+0x1] => r0 = r3 + 0x1; r0 = r0 & 0xffffffff
e9 4883c480 add rsp,0xffffffffffffff80 => r4 = r4 + -0x80
ed 6629d8 sub ax,bx => r33 = r0 - r3; r0[0:16] = r33
f0 4883e4f0 and rsp,0xfffffffffffffff0 => r4 = r4 & -0x10
f4 4898 cdqe => r0 = r0 << 0x20; r0 = r0 >>> 0x20
f6 480fbe07 movsx rax,BYTE PTR [rdi] => r0 = i1 [r7]
fa 0fbec3 movsx eax,bl => r0 = r3 << 0x38; r0 = r0 >>> 0x38; r0 = r0 & 0xffffffff
fd 4863c1 movsxd rax,ecx => r0 = r1 << 0x20; r0 = r0 >>> 0x20
100 480f44c3 cmove rax,rbx => r0 = ?
104 0f94c0 sete al => r0 = ?
107 ffe0 jmp rax => jump r0
109 ff24c500100000 jmp QWORD PTR [rax*8+0x1000] => jump [0x1000+(r0 << 3)]
110 ff1500010000 call QWORD PTR [rip+0x100] => call [0x216]
116 64ff142510000000 call QWORD PTR fs:0x10 => r32 = ?; call r32
11e c20800 ret 0x8 => return
121 cc int3 => stop
122 0f0b ud2 => stop
124 f4 hlt => stop
125 0f05 syscall => system call; r1 = ?; r11 = ?
127 cd80 int 0x80 => system call
129 0fae07 fxsave [rdi] => 128 [r7] = ?; 128 [r7+128] = ?; 128 [r7+256] = ?; 128 [r7+384] = ?
12c 0fa2 cpuid => r1 = ?; r2 = ?; r3 = ?; r0 = ?
12e c7f8ccfeffff xbegin 0 => r0 = ?; branch 0x0
134 48b82f62696e2f736800 movabs rax,0x68732f6e69622f => r0 = 0x68732f6e69622f
13e 660fe70f movntdq XMMWORD PTR [rdi],xmm1 => 16 [r7] = ?
142 20e0 and al,ah => r34 = r0 >> 0x8; r33 = r0 & r34; r0[0:8] = r33
0 67668b00 mov ax,WORD PTR [eax] => r32 = u2 [r0]; r0[0:16] = r32
0 678b4bfc mov ecx,DWORD PTR [ebx-0x4] => r1 = u4 [r3-4]
0 06 (bad) => unknown
";

/// The same for 32 bits.
const ASSEMBLED_NARROW: &str = "
0 e800000000 call 5 => r4 = r4 - 0x4; 4 [r4] = 0x5
5 5b pop ebx => r3 = u4 [r4]; r4 = r4 + 0x4
6 c744240400900408 mov DWORD PTR [esp+0x4],0x8049000 => 4 [r4+4] = 0x8049000
e 6800900408 push 0x8049000 => r4 = r4 - 0x4; 4 [r4] = 0x8049000
13 6aff push 0xffffffff => r4 = r4 - 0x4; 4 [r4] = -0x1
15 65ff1510000000 call DWORD PTR gs:0x10 => system call
1c cd80 int 0x80 => system call
1e 0f34 sysenter => system call
20 40 inc eax => r0 = r0 + 0x1
21 49 dec ecx => r1 = r1 - 0x1
22 60 pusha => 4 [r4-4] = ?; 4 [r4-8] = ?; 4 [r4-12] = ?; 4 [r4-16] = ?; 4 [r4-20] = ?; 4 [r4-24] = ?; 4 [r4-28] = ?; 4 [r4-32] = ?; r4 = ?
23 61 popa => r4 = ?; r7 = ?; r6 = ?; r5 = ?; r3 = ?; r2 = ?; r1 = ?; r0 = ?
24 a100a00408 mov eax,ds:0x804a000 => r0 = u4 [0x804a000]
29 8b43f4 mov eax,DWORD PTR [ebx-0xc] => r0 = u4 [r3-12]
2c 8d8300e1ffff lea eax,[ebx-0x1f00] => r0 = r3 + -0x1f00
32 ff248500910408 jmp DWORD PTR [eax*4+0x8049100] => jump [0x8049100+(r0 << 2)]
39 0f288300ffffff movaps xmm0,XMMWORD PTR [ebx-0x100] => r8 = u4 [r3-256]; r9 = u4 [r3-252]; r10 = u4 [r3-248]; r11 = u4 [r3-244]
40 0f11442410 movups XMMWORD PTR [esp+0x10],xmm0 => 4 [r4+16] = r8; 4 [r4+20] = r9; 4 [r4+24] = r10; 4 [r4+28] = r11
45 f30f7e0b movq xmm1,QWORD PTR [ebx] => r12 = u4 [r3]; r13 = u4 [r3+4]; r14 = 0x0; r15 = 0x0
49 660fd60c24 movq QWORD PTR [esp],xmm1 => 4 [r4] = r12; 4 [r4+4] = r13
4e 0f28f1 movaps xmm6,xmm1 =>
51 0f113424 movups XMMWORD PTR [esp],xmm6 => 16 [r4] = ?
57 89ff mov edi,edi => r7 = r7
59 0fb74302 movzx eax,WORD PTR [ebx+0x2] => r0 = u2 [r3+2]
5d 83f800 cmp eax,0x0 =>
60 0003 add BYTE PTR [ebx],al => r32 = u1 [r3]; r32 = r32 + r0; 1 [r3] = r32
0 678b07 mov eax,DWORD PTR [bx] => unknown
0 9a000000002300 call 0x23:0x0 => unknown
";

/// Numbers that look random and are the same every time (xorshift).
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn instructions_are_read_as_objdump_prints_them() {
    compare(&WIDE, REAL_WIDE);
    compare(&WIDE, ASSEMBLED_WIDE);
    compare(&NARROW, REAL_NARROW);
    compare(&NARROW, ASSEMBLED_NARROW);
}

#[test]
fn repeated_stores_make_unknown_what_they_may_reach() {
    // `rep movsb`, `rep stosq`.
    for (code, registers) in [
        (&[0xf3, 0xa4][..], &[CX, SI, DI][..]),
        (&[0xf3, 0x48, 0xab], &[CX, DI]),
    ] {
        let mut ops = Vec::new();
        WIDE.decode(code, 0, &mut 0, &mut ops);
        for &register in registers {
            assert!(ops.contains(&Op::Forget(register)), "{ops:?}");
        }
        let bytes = ops.iter().map(|op| match op {
            Op::Spoil { to, size } if to.base == Some(DI) => usize::from(*size),
            _ => 0,
        });
        assert_eq!(bytes.sum::<usize>(), 4096);
    }
}

#[test]
fn what_a_thunk_returns_is_known() {
    // `mov ebx, [esp]` and `ret`; `mov eax, [esp+4]`.
    assert_eq!(NARROW.thunk(&[0x8b, 0x1c, 0x24, 0xc3]), Some(BX));
    assert_eq!(NARROW.thunk(&[0x8b, 0x44, 0x24, 0x04]), None);
    assert_eq!(WIDE.thunk(&[0x8b, 0x1c, 0x24, 0xc3]), None);
}

#[test]
fn first_instructions_of_functions_are_known() {
    let first: &[&[u8]] = &[
        &[0xf3, 0x0f, 0x1e, 0xfa],
        &[0x55, 0x48, 0x89, 0xe5],
        &[0x55, 0x89, 0xe5, 0x83],
        &[0x41, 0x55, 0x41, 0x54, 0x55],
        &[0x55, 0x53],
        &[0x55, 0x48, 0x8b, 0xec],
        &[0x55, 0x48, 0x83, 0xec, 0x10],
    ];
    let other: &[&[u8]] = &[
        &[0x55],
        &[0xc3],
        &[0xf3, 0x0f, 0x1e],
        &[0x48, 0x89, 0xe5],
        &[0x55, 0x00],
        &[0x41, 0x55, 0x49, 0x89],
    ];
    assert!(first.iter().all(|code| WIDE.is_prologue(code)));
    assert!(!other.iter().any(|code| WIDE.is_prologue(code)));
}

#[test]
fn any_bytes_are_read_within_their_bounds() {
    let (mut state, mut ops) = (0x1234_5678_9abc_def1, Vec::new());
    for index in 0..1_000_000_u64 {
        let mut code = [random(&mut state), random(&mut state)]
            .map(u64::to_le_bytes)
            .concat();
        // Every pair of bytes is tried, with what is random behind it.
        if let Ok(start) = u16::try_from(index) {
            code[..2].copy_from_slice(&start.to_be_bytes());
        }
        for reader in [NARROW, WIDE] {
            let mut mode = index.to_le_bytes()[0];
            ops.clear();
            let length = reader.decode(&code, u64::MAX - 7, &mut mode, &mut ops);
            assert!(matches!(length, None | Some(1..=15)), "{code:x?}");
        }
    }
}

#[test]
fn code_that_ends_is_not_read_past_its_end() {
    // `movabs rax, 0x1122334455667788`.
    let code = [0x48, 0xb8, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11];
    for length in 0..code.len() {
        let read = WIDE.decode(&code[..length], 0, &mut 0, &mut Vec::new());
        assert_eq!(read, None, "{length}");
    }
    assert_eq!(WIDE.decode(&code, 0, &mut 0, &mut Vec::new()), Some(10));
}
