//! The command line, one file a behaviour: what goes in, what comes out, and the exit code.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes what comes out now; read the difference before it is committed.

#[test]
fn every_case_and_the_readme_behave_as_written() {
    trycmd::TestCases::new()
        .case("tests/cmd/*.toml")
        .case("tests/cmd/*.md")
        .case("README.md");
}
