use super::*;
use crate::digest::Digest;
use crate::trust::key::SecretKey;
use crate::trust::{Purpose, Signer, TrustError, judge, minisign, revocation};

const ISSUED: &str = "2026-11-02T09:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn number(number: u8) -> NonZeroU8 {
    NonZeroU8::new(number).unwrap()
}

fn secret(seed: u8) -> SecretKey {
    SecretKey::new(&[seed; 32], crate::trust::KeyId([seed; 8]))
}

fn holder(name: &str, seed: u8, role: Role) -> Holder {
    let baseline = role == Role::Baseline;
    Holder {
        name: name.to_owned(),
        key: secret(seed).public(),
        forms: BTreeSet::new(),
        roles: [role].into(),
        class: baseline.then_some(Class::Vendor),
        scope: Scope {
            vendor: baseline.then(|| "example-medical".to_owned()),
            models: if baseline {
                vec!["VSM-*".to_owned()]
            } else {
                Vec::new()
            },
        },
        not_before: None,
        not_after: None,
    }
}

/// Two roots of three, and three keys that may speak of VSM-* of one vendor.
fn keyring() -> Keyring {
    Keyring {
        sequence: 6,
        issued: time("2026-01-01T00:00:00Z"),
        expires: time("2027-10-01T00:00:00Z"),
        root_threshold: number(2),
        keys: vec![
            holder("biomed-a", 1, Role::Root),
            holder("biomed-b", 2, Role::Root),
            holder("ciso", 3, Role::Root),
            holder("exmed-26", 4, Role::Baseline),
            holder("exmed-27", 5, Role::Baseline),
            holder("list", 6, Role::Index),
        ],
        rules: Vec::new(),
        revoked: Vec::new(),
    }
}

fn outcomes(
    bytes: &[u8],
    signers: &[u8],
    keys: &[PublicKey],
    purpose: Purpose,
) -> Vec<Result<Signer, TrustError>> {
    let files: Vec<String> = signers
        .iter()
        .map(|&seed| minisign::sign(&secret(seed), bytes, "").unwrap())
        .collect();
    judge(bytes, &files, keys, purpose)
}

fn asked(role: Role) -> Asked<'static> {
    Asked {
        role,
        sha256: Digest::of(b"x"),
        claim: Some(Claimed {
            device: Some(("example-medical", "VSM-9000")),
            issued: ISSUED.parse().unwrap(),
        }),
    }
}

/// What the keyring says of "x", signed by some keys.
fn says(keyring: &Keyring, signers: &[u8], asked: &Asked<'_>) -> Result<Vec<Vouched>, TrustError> {
    let outcomes = outcomes(b"x", signers, &keyring.keys(), Purpose::Baseline);
    keyring.vouch(&outcomes, &keyring.revoked, asked)
}

/// The one reason why a signature does not count.
fn reason(result: Result<Vec<Vouched>, TrustError>) -> String {
    match result {
        Err(TrustError::TooFew { why, .. }) => why.join("; "),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_keyring_comes_back_as_it_was_written() {
    let mut keyring = keyring();
    keyring.keys[3].forms = [Form::Raw, Form::Sshsig].into();
    keyring.keys[3].not_after = Some(time("2029-01-01T00:00:00Z"));
    keyring.rules.push(Rule {
        scope: keyring.keys[3].scope.clone(),
        role: Role::Baseline,
        threshold: number(2),
    });
    keyring.revoked.push(Revocation {
        key: secret(9).public().fingerprint(),
        reason: "key-compromise".to_owned(),
        keep_sha256: vec![Digest::of(b"kept")],
    });
    assert_eq!(Keyring::parse(keyring.write().as_bytes()), Ok(keyring));
}

#[test]
fn a_key_counts_in_its_role_its_form_its_scope_and_its_time() {
    let keyring = keyring();
    let vouched = says(&keyring, &[4], &asked(Role::Baseline)).unwrap();
    assert_eq!(vouched[0].name.as_deref(), Some("exmed-26"));
    assert_eq!(vouched[0].class, Some(Class::Vendor));
    assert!(reason(says(&keyring, &[6], &asked(Role::Baseline))).contains("in the role baseline"));
    assert!(reason(says(&keyring, &[4], &asked(Role::Index))).contains("in the role index"));
    assert!(reason(says(&keyring, &[1], &asked(Role::Baseline))).contains("biomed-a"));

    let mut other = asked(Role::Baseline);
    other.claim.as_mut().unwrap().device = Some(("example-medical", "CMS8000"));
    assert!(reason(says(&keyring, &[4], &other)).contains("may not speak of"));
    other.claim.as_mut().unwrap().device = Some(("Example-medical", "VSM-9000"));
    assert!(reason(says(&keyring, &[4], &other)).contains("may not speak of"));

    let mut limited = keyring.clone();
    limited.keys[3].forms = [Form::Sshsig].into();
    assert!(reason(says(&limited, &[4], &asked(Role::Baseline))).contains("in the form minisign"));
    limited.keys[3].forms.clear();
    limited.keys[3].not_after = Some(time("2026-11-01T00:00:00Z"));
    assert!(reason(says(&limited, &[4], &asked(Role::Baseline))).contains("was not valid"));
    limited.keys[3].not_after = None;
    limited.keys[3].not_before = Some(time("2026-12-01T00:00:00Z"));
    assert!(reason(says(&limited, &[4], &asked(Role::Baseline))).contains("was not valid"));
}

#[test]
fn a_threshold_counts_distinct_keys() {
    let mut keyring = keyring();
    keyring.rules.push(Rule {
        scope: Scope {
            vendor: None,
            models: vec!["VSM-9*".to_owned()],
        },
        role: Role::Baseline,
        threshold: number(2),
    });
    let few = says(&keyring, &[4, 4, 4], &asked(Role::Baseline)).unwrap_err();
    assert!(
        matches!(
            few,
            TrustError::TooFew {
                needed: 2,
                counted: 1,
                ..
            }
        ),
        "{few:?}"
    );
    let two = says(&keyring, &[4, 5, 4], &asked(Role::Baseline)).unwrap();
    assert_eq!(two.len(), 2);
    let mut other = asked(Role::Baseline);
    other.claim.as_mut().unwrap().device = Some(("example-medical", "VSM-100"));
    assert_eq!(says(&keyring, &[4], &other).unwrap().len(), 1);
}

#[test]
fn a_revoked_key_says_nothing_but_what_is_kept() {
    let mut keyring = keyring();
    keyring.revoked.push(Revocation {
        key: secret(4).public().fingerprint(),
        reason: "key-compromise".to_owned(),
        keep_sha256: vec![Digest::of(b"before")],
    });
    let error = says(&keyring, &[4], &asked(Role::Baseline)).unwrap_err();
    assert_eq!(error.exit_code(), 69);
    assert!(says(&keyring, &[4, 5], &asked(Role::Baseline)).is_ok());
    let kept = Asked {
        sha256: Digest::of(b"before"),
        ..asked(Role::Baseline)
    };
    assert!(says(&keyring, &[4], &kept).is_ok());
}

#[test]
fn revocations_only_accumulate() {
    let row = |seed: u8, keep: &[&[u8]]| Revocation {
        key: secret(seed).public().fingerprint(),
        reason: "lost".to_owned(),
        keep_sha256: keep.iter().map(|bytes| Digest::of(bytes)).collect(),
    };
    let mut known = vec![row(4, &[])];
    revocation::accumulate(&mut known, &[row(5, &[])]);
    revocation::accumulate(&mut known, &[]);
    revocation::accumulate(&mut known, &[row(4, &[b"before"])]);
    assert_eq!(known.len(), 2);
    let by = secret(4).public();
    assert!(revocation::forbids(&known, &by, Digest::of(b"x")).is_some());
    assert!(revocation::forbids(&known, &by, Digest::of(b"before")).is_none());
}

/// Takes a keyring up that some keys signed.
fn follow(
    before: Option<&Pinned>,
    keyring: &Keyring,
    signers: &[u8],
) -> Result<KeyringChain, TrustError> {
    let text = keyring.write();
    let mut keys = keyring.roots();
    keys.extend(before.iter().flat_map(|before| before.roots.clone()));
    let outcomes = outcomes(text.as_bytes(), signers, &keys, Purpose::Keyring);
    KeyringChain::follow(
        before,
        keyring.clone(),
        Digest::of(text.as_bytes()),
        &outcomes,
        &[],
    )
}

#[test]
fn enough_roots_sign_a_keyring_each_counted_once() {
    let keyring = keyring();
    assert!(follow(None, &keyring, &[1, 2]).unwrap().is_first);
    assert!(follow(None, &keyring, &[3, 1]).is_ok());
    for few in [&[1][..], &[1, 1, 1], &[1, 4], &[4, 5]] {
        assert!(follow(None, &keyring, few).is_err(), "{few:?}");
    }
    let mut revoked = keyring;
    revoked.revoked.push(Revocation {
        key: secret(2).public().fingerprint(),
        reason: "lost".to_owned(),
        keep_sha256: Vec::new(),
    });
    assert!(follow(None, &revoked, &[1, 2]).is_err());
    assert!(follow(None, &revoked, &[1, 3]).is_ok());
}

#[test]
fn a_keyring_follows_the_one_before_it_and_no_other() {
    let old = follow(None, &keyring(), &[1, 2]).unwrap().pinned;
    assert!(follow(Some(&old), &keyring(), &[1, 2]).is_ok());

    let mut next = keyring();
    next.sequence = 7;
    next.keys[0] = holder("biomed-c", 7, Role::Root);
    // The old roots and the new ones: 2 and 3 are in both.
    assert!(follow(Some(&old), &next, &[2, 3]).is_ok());
    assert!(follow(Some(&old), &next, &[7, 2]).is_err());
    assert!(follow(Some(&old), &next, &[1, 2]).is_err());
    assert!(follow(Some(&old), &next, &[1, 2, 7]).is_ok());

    next.sequence = 8;
    let missing = follow(Some(&old), &next, &[2, 3]).unwrap_err();
    assert!(matches!(
        missing,
        TrustError::MissingKeyring { known: 6, given: 8 }
    ));
    next.sequence = 5;
    let replayed = follow(Some(&old), &next, &[2, 3]).unwrap_err();
    assert!(matches!(
        replayed,
        TrustError::OldKeyring { known: 6, given: 5 }
    ));
    next.sequence = 6;
    let twin = follow(Some(&old), &next, &[2, 3]).unwrap_err();
    assert_eq!(twin, TrustError::OtherKeyring(6));
}

#[test]
fn what_no_keyring_may_say_is_refused_with_the_line() {
    let text = keyring().write();
    let key = |seed: u8| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(secret(seed).public().as_bytes())
    };
    for (from, to, what) in [
        ("root_threshold = 2", "root_threshold = 0", "from 1 to 3"),
        ("root_threshold = 2", "root_threshold = 4", "from 1 to 3"),
        ("root_threshold = 2", "root_threshold = -1", "not negative"),
        ("vitalsign-keyring", "vitalsign-baseline", "another kind"),
        ("schema = 1", "schema = 2", "schema"),
        ("name = \"ciso\"", "name = \"biomed-a\"", "one name"),
        (key(3).as_str(), key(1).as_str(), "one key under two names"),
        (key(3).as_str(), "AAAA", "32 bytes"),
        (
            key(3).as_str(),
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "small order",
        ),
        (", models = [\"VSM-*\"]", "", "needs `vendor` and `models`"),
        (
            ", vendor = \"example-medical\"",
            "",
            "needs `vendor` and `models`",
        ),
        ("roles = [\"index\"]", "roles = []", "at least one role"),
        ("roles = [\"index\"]", "roles = [\"all\"]", "one of root"),
        (
            "roles = [\"index\"]",
            "roles = [\"index\"], skip = true",
            "knows no key `skip`",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Keyring::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(error.to_string().contains(what), "{what}: {error}");
        assert!(error.line.is_some());
    }
}

#[test]
fn patterns_match_as_they_say() {
    let fits = |pattern: &str, text: &str| matches(pattern.as_bytes(), text.as_bytes());
    for (pattern, text) in [
        ("*", ""),
        ("*", "VSM-9000"),
        ("VSM-*", "VSM-"),
        ("VSM-?000", "VSM-9000"),
        ("*-*0", "VSM-9000"),
        ("a*b*c", "aXbXbc"),
        ("", ""),
    ] {
        assert!(fits(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [
        ("VSM-*", "vsm-9000"),
        ("VSM-9000", "VSM-9000X"),
        ("?", ""),
        ("", "x"),
        ("a*b*c", "aXbX"),
        ("VSM", "XVSM"),
    ] {
        assert!(!fits(pattern, text), "{pattern} {text}");
    }
    // As long as names may be, against the worst of patterns.
    assert!(!fits(&"*a".repeat(128), &"a".repeat(127)));
}
