use super::*;

/// The commands of a script, each as its words with `_` for what is not known at the end of a word, and redirections.
fn commands(text: &str) -> Vec<String> {
    let script = Script::parse(text.as_bytes());
    assert_eq!(script.problems, [], "{text}");
    shown(&script)
}

fn shown(script: &Script) -> Vec<String> {
    let word = |word: &Argument| {
        let text = String::from_utf8_lossy(&word.text).into_owned();
        if word.known { text } else { format!("?{text}") }
    };
    let row = |command: &Command| {
        let set = command.assignments.iter();
        let set =
            set.map(|(name, value)| format!("{}={}", String::from_utf8_lossy(name), word(value)));
        let words = command.words.iter().map(word);
        let redirects = command
            .redirects
            .iter()
            .map(|it| format!("{:?}>{}", it.kind, word(&it.target)));
        set.chain(words)
            .chain(redirects)
            .collect::<Vec<_>>()
            .join(" ")
    };
    script.commands.iter().map(row).collect()
}

#[test]
fn quotes_and_escapes() {
    assert_eq!(
        commands("m'ou'nt \"-t\" n\\fs 'a b' \"c\\\"d\\e\" $'x\\n' # comment\necho a#b \\\n  c"),
        ["mount -t nfs a b c\"d\\e x\n", "echo a#b c"]
    );
}

#[test]
fn variables_that_are_assigned_texts_are_followed() {
    let text = "H=203.0.113.7; D=/opt/bin\nSRC=\"$H:/pm\"\nmount -t nfs ${SRC} $D/x $1 \"${2:-a b}\" ${D%/*}\n";
    assert_eq!(
        commands(text)[3],
        "mount -t nfs 203.0.113.7:/pm /opt/bin/x ?$1 a b ?$D"
    );
    assert_eq!(
        commands("C='cp -r a b'; $C c; \"$C\"")[1..],
        ["cp -r a b c", "cp -r a b"]
    );
    // Both values count where it is not certain which holds.
    let text = "if x; then H=a; else H=b; fi; ping $H; [ -z \"$H\" ] && H=c; ping $H";
    let pings: Vec<_> = commands(text)
        .into_iter()
        .filter(|it| it.starts_with("ping"))
        .collect();
    assert_eq!(pings, ["ping a", "ping b", "ping c"]);
    let text = "for i in 1 2; do wget h/$i; done";
    assert_eq!(commands(text), ["wget h/1", "wget h/2"]);
}

#[test]
fn functions_are_followed_where_they_are_called() {
    let text = "get() { wget \"http://$1/f\" -O $2; }\nmain() {\n get 192.0.2.1 /tmp/f\n}\nlater() { reboot; }\nmain \"$@\"\n";
    let script = Script::parse(text.as_bytes());
    assert_eq!(
        shown(&script),
        [
            "main ?$@",
            "get 192.0.2.1 /tmp/f",
            "wget http://192.0.2.1/f -O /tmp/f",
            "reboot"
        ]
    );
    assert_eq!(script.commands[2].function.as_deref(), Some(&b"get"[..]));
    assert_eq!(script.commands[2].line, 1);
    assert_eq!(script.commands[1].line, 3);
    assert_eq!(
        commands("f() { f; }; f; function g { :; }; g"),
        ["f", "g", ":"]
    );
}

#[test]
fn scripts_inside_scripts() {
    assert_eq!(
        commands("sh -c 'cp a b; mv c d'")[1..],
        ["cp a b", "mv c d"]
    );
    assert_eq!(commands("eval \"X=1; echo $Y\"")[1..], ["X=1", "echo ?$Y"]);
    assert_eq!(commands("trap 'rm -f /x' EXIT")[1..], ["rm -f /x"]);
    let secret = "echo bW91bnQgLXQgbmZz | base64 -d | sh";
    let script = Script::parse(secret.as_bytes());
    assert_eq!(shown(&script)[3..], ["mount -t nfs"]);
    assert!(script.commands[3].decoded);
    assert_eq!(commands("$(printf '\\x63\\x70 %s' a) b")[1..], ["cp a b"]);
    assert_eq!(
        commands("sh <<EOF\ncp $A /bin\nEOF\nend")[1..],
        ["cp ?$A /bin", "end"]
    );
    assert_eq!(
        commands("x=`echo \\`echo cp\\``; $x a"),
        ["echo cp", "echo cp", "x=cp", "cp a"][1..]
    );
}

#[test]
fn wrappers_are_looked_through() {
    assert_eq!(commands("nohup busybox nc -l -p 9 &"), ["nc -l -p 9"]);
    assert_eq!(
        commands("env -i LD_PRELOAD=/tmp/x.so timeout -k 1 5 /bin/m"),
        ["LD_PRELOAD=/tmp/x.so /bin/m"]
    );
    assert_eq!(
        commands("start-stop-daemon --start -b --exec /usr/sbin/telnetd -- -l /bin/sh"),
        ["/usr/sbin/telnetd -l /bin/sh"]
    );
    assert_eq!(
        commands("start-stop-daemon -K -x /x"),
        ["start-stop-daemon -K -x /x"]
    );
}

#[test]
fn compound_commands() {
    let text = "case $1 in\n (start|restart) a ;;\n stop) b;&\n *) c\nesac\nwhile read x; do d $x; done < /f\nuntil e; do :; done\n\
        { g; h; } > /out\n( cd /x && i ) 2>&1 | j\n((x++))\n[[ $a == b* && ( -f c || $d =~ ^(e|f)$ ) ]] && k\nfor ((i=0;i<3;i++)); do l; done\n\
        if m; then n; elif o; then p; else q; fi > /r\narr=(1 2 \"3 4\"); s \"${arr[@]}\"\nselect v in a b; do t; done\nu <<<'w' > >(v) <(w)";
    let names: Vec<String> = commands(text)
        .iter()
        .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
        .filter(|name| name.len() == 1)
        .collect();
    assert_eq!(names.concat(), "abcde:ghijklmonpqstwvu");
}

#[test]
fn here_documents_are_texts_and_not_commands() {
    let text =
        "cat > /etc/x <<'EOF' && next\nmount $x\nEOF\ncat <<-END\n\ta $(id) \\$b\n\tEND\nlast";
    let script = Script::parse(text.as_bytes());
    let lines = shown(&script);
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!(
        script.commands[0].input.as_deref(),
        Some(&b"mount $x\n"[..])
    );
    assert_eq!(lines[4], "last");
}

#[test]
fn what_is_not_understood_is_told_and_the_rest_is_read() {
    let script = Script::parse(b"a\nfi\nb 'open\nc\n)\nd (\ne\n");
    assert_eq!(shown(&script), ["a", "c", "e"]);
    let told: Vec<_> = script
        .problems
        .iter()
        .map(|problem| problem.detail.as_str())
        .collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[1].starts_with("line 3: a quote"), "{told:?}");
    assert_eq!(script.problems[1].at, Some(7));
    assert!(
        Script::parse(b"\xff\xfe\x00 'x' \x80\n")
            .problems
            .is_empty()
    );
}

/// Runs on a stack as small as that of a worker thread may become.
fn on_a_small_stack(text: Vec<u8>) -> Script {
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    thread
        .spawn(move || Script::parse(&text))
        .unwrap()
        .join()
        .unwrap()
}

#[test]
fn nesting_is_bounded() {
    for (open, close) in [
        ("$(", ")"),
        ("`", "`"),
        ("\"$(", ")\""),
        ("{ ", ";}"),
        ("( ", ")"),
        ("if ", ";then :;fi"),
        ("${a:-", "}"),
        ("$((", "))"),
        ("while ", ";do :;done"),
        ("eval \"", "\""),
        ("f() { ", "; }"),
        ("! ", ""),
        ("x <<E\n", "\nE\n"),
        ("\"${a:-\"", "\"}\""),
        ("a=(", ")"),
    ] {
        for times in [3, 40, 60, 5000] {
            let text = format!("echo {}x{}", open.repeat(times), close.repeat(times));
            on_a_small_stack(text.into_bytes());
            on_a_small_stack(format!("{}x", open.repeat(times)).into_bytes());
        }
    }
    let deep = Script::parse(format!("{}x", "( ".repeat(100)).as_bytes());
    assert_eq!(deep.problems[0].kind, crate::problem::ProblemKind::Limit);
    // Functions that call each other twice would double at each step.
    let mut bomb = String::from("f0() { x; }\n");
    bomb.extend((1..64).map(|n| format!("f{n}() {{ f{} $1 a; f{} $1 b; }}\n", n - 1, n - 1)));
    bomb.push_str("f63 c\n");
    let script = on_a_small_stack(bomb.into_bytes());
    assert!(
        script
            .problems
            .iter()
            .any(|problem| problem.kind == crate::problem::ProblemKind::Limit)
    );
}

#[test]
fn values_cannot_grow_without_end() {
    let mut text = String::from("a=0123456789\n");
    for _ in 0..200 {
        text.push_str("a=\"$a$a\"\n");
    }
    text.push_str("echo $a $a $a\n");
    let script = Script::parse(text.as_bytes());
    assert!(
        script
            .commands
            .iter()
            .all(|it| it.words.iter().all(|word| word.text.len() <= 16 << 10))
    );
}

#[test]
fn hostile_bytes() {
    let seed = b"#!/bin/sh\nA=\"$(echo x | base64 -d)\"; for i in a b; do cat <<E > \"/bin/${A:-$i}\"\n$i\nE\ndone & case x in y) f 'z';; esac\n";
    for end in 0..seed.len() {
        Script::parse(&seed[..end]);
    }
    let mut state = 1_u32;
    for _ in 0..4000 {
        let mut text = seed.to_vec();
        for _ in 0..4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = state as usize % text.len();
            text[at] = b"\"'`$(){};&|<>\\\n #=[]!~*?x\xff"[(state >> 16) as usize % 26];
        }
        Script::parse(&text);
    }
    let open = "'\"$(`".repeat(20_000);
    assert!(!Script::parse(open.as_bytes()).problems.is_empty());
}
