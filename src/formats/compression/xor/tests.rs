use super::*;

/// Text and fill, as a file system has them.
fn mixed() -> Vec<u8> {
    let words =
        (0..3000_u32).map(|at| format!("line {} of a text\n", at.wrapping_mul(2_654_435_761)));
    let text: Vec<u8> = words.flat_map(String::into_bytes).collect();
    let (zeros, ones) = (vec![0; 90_000], vec![0xff; 30_000]);
    [&text, &zeros, &text, &ones, &text]
        .map(|part| &part[..])
        .concat()
}

#[test]
fn a_key_shows_where_the_plain_bytes_are_fill() {
    for key in [&b"\x5a"[..], b"key", b"a longer key that has 31 bytes."] {
        let hidden = plain(&mixed(), key);
        let keys = keys(&hidden);
        let whole = |found: &Vec<u8>| plain(&hidden, found) == mixed();
        assert!(keys.iter().any(whole), "{key:?}: {keys:?}");
    }
}

#[test]
fn plain_bytes_and_noise_have_no_key() {
    let is_whole = |key: &Vec<u8>| key.iter().all(|&byte| byte == 0xff);
    assert!(keys(&mixed()).iter().all(is_whole));
    let mut state = 1_u64;
    let noise = (0..100_000).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    });
    assert!(keys(&noise.collect::<Vec<u8>>()).is_empty());
    assert!(keys(b"").is_empty());
}

#[test]
fn the_stream_is_what_was_hidden() {
    let hidden: Bytes = plain(&mixed(), b"seven b").into();
    let Content::Stream(mut stream) = open_with(hidden, b"seven b".to_vec()).content else {
        panic!("no stream");
    };
    let mut bytes = Vec::new();
    let mut window = [0; 1000];
    loop {
        let count = stream.read(&mut window).unwrap();
        bytes.extend_from_slice(&window[..count]);
        if count == 0 {
            break;
        }
    }
    assert_eq!(bytes, mixed());
}
