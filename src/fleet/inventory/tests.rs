use super::*;

fn csv(text: &str) -> Result<Fleet, Malformed> {
    Fleet::from_csv(text.as_bytes(), Path::new("/fleet"))
}

fn refused(text: &str) -> String {
    csv(text).unwrap_err().to_string()
}

#[test]
fn a_table_names_devices_and_their_parts() {
    let text =
        "Image;Asset;#Price;with.boot0;version\na.bin;W4-1;7;a-boot0.bin;4.2.1\n./b.bin;;8;;\n";
    let fleet = csv(text).unwrap();
    let [a, b] = fleet.devices.as_slice() else {
        panic!("{fleet:?}")
    };
    assert_eq!(
        (a.image.as_str(), a.asset.as_deref()),
        ("a.bin", Some("W4-1"))
    );
    assert_eq!(a.path, Path::new("/fleet/a.bin"));
    assert_eq!(a.with, [("boot0".to_owned(), "a-boot0.bin".to_owned())]);
    assert_eq!(a.version.as_deref(), Some("4.2.1"));
    assert_eq!((b.asset.as_deref(), b.with.len(), b.line), (None, 0, 3));
    assert_eq!(fleet.path("x.toml"), Path::new("/fleet/x.toml"));
}

#[test]
fn the_same_in_toml_is_the_same_fleet() {
    let toml = "[[device]]\nimage = \"a.bin\"\nasset = \"W4-1\"\nversion = \"4.2.1\"\nwith = { boot0 = \"a-boot0.bin\" }\n\n[[device]]\nimage = \"./b.bin\"\n";
    let toml = Fleet::from_toml(toml.as_bytes(), Path::new("/fleet")).unwrap();
    let csv = csv("image,asset,with.boot0,version\na.bin,W4-1,a-boot0.bin,4.2.1\n./b.bin,,,\n");
    assert_eq!(toml.digest(), csv.unwrap().digest());
    assert_eq!(toml.devices.last().unwrap().line, 7);
}

#[test]
fn what_is_no_inventory_is_refused_with_its_line() {
    for (text, line) in [
        ("", "line 1: its first line names the columns"),
        ("asset\nW4-1\n", "line 1: its first line names"),
        (
            "image,price\na.bin,7\n",
            "line 1: the column price is unknown",
        ),
        (
            "image,image\na,b\n",
            "line 1: the column image is there twice",
        ),
        ("image,asset\na.bin\n", "line 2: it has 1 values"),
        ("image,asset\n,W4-1\n", "line 2: it has no image"),
        (
            "image\na.bin\n./a.bin\n",
            "line 3: the image ./a.bin was named before, in line 2",
        ),
        (
            "image,asset\na,1\nb,1\n",
            "line 3: the asset 1 was named before, in line 2",
        ),
        (
            "image\ns3://bucket/a.bin\n",
            "line 2: s3://bucket/a.bin is a URL",
        ),
        ("image\n-\n", "line 2: an image of a fleet is a file"),
        ("image\n", "it names no device"),
    ] {
        assert!(
            refused(text).starts_with(line),
            "{text:?}: {}",
            refused(text)
        );
    }
    for text in [
        "device = 1",
        "[[device]]\nimage = 7",
        "[[device]]\nimage='a'\nprice='7'",
        "[[other]]",
        "\u{0}",
    ] {
        assert!(
            Fleet::from_toml(text.as_bytes(), Path::new("")).is_err(),
            "{text}"
        );
    }
}

#[test]
fn a_list_has_one_path_a_line() {
    let fleet = Fleet::from_list(b"a.bin\r\n\nb\xff.bin\n").unwrap();
    let images: Vec<&str> = fleet.devices.iter().map(|it| it.image.as_str()).collect();
    assert_eq!(images, ["a.bin", "b\\xff.bin"]);
    assert_eq!(
        fleet.devices.last().unwrap().path.as_os_str().as_bytes(),
        b"b\xff.bin"
    );
    let twice = Fleet::from_list(b"a\nb\na\n").unwrap_err().to_string();
    assert_eq!(twice, "line 3: the image a was named before, in line 1");
}

#[test]
fn hidden_characters_of_names_are_shown() {
    let fleet = csv("image,asset\n\"a\u{1b}.bin\",\"x\u{202e}\"\n").unwrap();
    assert_eq!(fleet.devices.first().unwrap().image, "a\\x1b.bin");
    assert_eq!(fleet.devices.first().unwrap().name(), "x\\xe2\\x80\\xae");
}
