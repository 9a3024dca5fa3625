//! What GNU ld writes into instructions when it puts the same objects at other addresses. Each row holds an address and the bytes that stand there,
//! twice, and the mnemonic: `as` assembled references to other sections, `ld` linked them with `-Ttext` and `--section-start` at two sets of
//! addresses that differ in many bits. What differs must be masked, and what is left must still tell the instructions apart.

use super::*;

const ARM: &str = "
    410000 9c5502eb 810000 32af07eb bl
    410004 9b5502ea 810004 31af07ea b
    410008 9a55020a 810008 30af070a beq
    41000c 9a5502fa 81000c 30af07fa blx
    410010 303201e3 810010 c03d0ee3 movw
    410014 5a3040e3 810014 a63040e3 movt
    410018 30720113 810018 c07d0e13 movwne";
const THUMB: &str = "
    410000 95f03cfb 810000 ebf168fe bl
    410004 95f03abb 810004 ebf166be b.w
    410008 15f0388b 810008 00f00a80 beq.w
    410010 41f23023 810010 4ef6c053 movw
    410014 c0f25a03 810014 c0f2a603 movt
    410018 41f2302c 810018 4ef6c05c movw";
/// A linker makes either of `bl` and `blx`, by what the called function is.
const THUMB_CHANGING: &str = "
    41000c 95f034eb 81000c ebf160ee blx";
const AARCH64: &str = "
    410000 9e550294 810000 34af0794 bl
    410004 9d550214 810004 33af0714 b
    410008 c01f0054 810008 003e0154 b.eq
    41000c a31f00b4 81000c e33d01b4 cbz
    410010 841f0035 810010 c43d0135 cbnz
    410014 651f1836 810014 a53d1936 tbz
    410018 800c00b0 810018 e01200d0 adrp
    41001c 00c00891 81001c 00003791 add
    410020 011841f9 810020 01e046f9 ldr
    410024 02c04839 810024 02007739 ldrb
    410028 008c803d 810028 0070833d str
    41002c a91e0010 81002c e93c0110 adr";
const MIPS: &str = "
    410000 0c12959e 810000 0c27ef34 jal
    410004 0812959e 810004 0827ef34 j
    410008 108500fd 810008 108509ef beq
    41000c 048100fc 81000c 048109ee bgez
    410010 3c02005a 810010 3c0200a7 lui
    410014 24421230 810014 2442edc0 addiu
    410018 8c431230 810018 8c43edc0 lw
    41001c 34421230 81001c 3442edc0 ori
    410020 a0431230 810020 a043edc0 sb";
const POWERPC: &str = "
    410000 48095679 810000 481ebcd1 bl
    410004 48095674 810004 481ebccc b
    410008 418203f8 810008 418227c0 beq
    41000c 3d20005a 81000c 3d2000a7 lis
    410010 39291230 810010 3929edc0 addi
    410014 80691230 810014 8069edc0 lwz
    410018 61291230 810018 6129edc0 ori
    41001c 98691230 81001c 9869edc0 stb";

/// An instruction without what a linker may write.
fn fixed(code: &[u8], linked: Linked) -> Vec<u8> {
    let mut fixed = code.to_vec();
    for part in linked.into_iter().flatten() {
        for (byte, mask) in fixed.iter_mut().zip(part.mask) {
            *byte &= !mask;
        }
    }
    fixed
}

pub(in super::super) fn hold(rows: &str, linked: impl Fn(&[u8], u64) -> Linked) {
    let mut seen = Vec::new();
    for row in rows.lines().filter(|row| !row.trim().is_empty()) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let at = |word: usize| u64::from_str_radix(words[word], 16).unwrap();
        let code = |word: usize| crate::digest::unhex(words[word]).unwrap();
        let one = fixed(&code(1), linked(&code(1), at(0)));
        let other = fixed(&code(3), linked(&code(3), at(2)));
        assert_eq!(one, other, "{row}");
        assert!(!seen.contains(&one), "{row}: like another one");
        seen.push(one);
        // What is cut off has no parts outside of it, and nothing panics.
        for end in 0..code(1).len() {
            let _ = linked(&code(1)[..end], at(0));
        }
        // Nor where other bits are.
        for bit in 0..code(1).len() * 8 {
            let mut flipped = code(1);
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _ = linked(&flipped, u64::MAX);
        }
    }
}

fn word(code: &[u8], endian: Endian) -> u32 {
    Fields::new(code, endian).u32(0).unwrap_or_default()
}

#[test]
fn all_that_a_linker_writes_is_masked_and_nothing_else() {
    hold(ARM, |code, at| {
        arm(word(code, Endian::Little), at, Endian::Little)
    });
    let halves = |code: &[u8], at| thumb(Fields::little(code), at, Endian::Little);
    hold(THUMB, halves);
    hold(THUMB_CHANGING, halves);
    hold(AARCH64, |code, at| aarch64(word(code, Endian::Little), at));
    hold(MIPS, |code, at| {
        mips(word(code, Endian::Big), at, Endian::Big)
    });
    hold(POWERPC, |code, at| powerpc(word(code, Endian::Big), at));
}

#[test]
fn both_byte_orders_have_the_same_parts() {
    let turned = |rows: &str| {
        let rows = rows
            .lines()
            .filter(|row| !row.trim().is_empty())
            .map(|row| {
                let mut words: Vec<String> = row.split_whitespace().map(str::to_owned).collect();
                for number in [1, 3] {
                    let mut code = crate::digest::unhex(&words[number]).unwrap();
                    code.reverse();
                    words[number] = crate::digest::hex(&code);
                }
                words.join(" ")
            });
        rows.collect::<Vec<String>>().join("\n")
    };
    hold(&turned(ARM), |code, at| {
        arm(word(code, Endian::Big), at, Endian::Big)
    });
    hold(&turned(MIPS), |code, at| {
        mips(word(code, Endian::Little), at, Endian::Little)
    });
}
