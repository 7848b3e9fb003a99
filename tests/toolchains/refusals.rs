//! What `new` and `build` say where they cannot do what they were asked.

use std::fs;

use crate::project::{Project, command, run};

#[test]
fn new_refuses_names_that_are_none_and_directories_that_are_not_empty() {
    let project = Project::new("words", "c");
    let again = project.above(&["new", "words", "--lang", "c"]);
    again.failed(1, "words cannot be made", "it is not empty", "choose another name");
    for name in ["Words", "w", "../words", "wörter"] {
        let refused = project.above(&["new", name, "--lang", "c"]);
        refused.failed(2, "cannot be the name of a service", "2 to 63 of", "technical name");
    }
    assert_eq!(project.above(&["new", "others", "--lang", "cobol"]).code, Some(2));
}

#[test]
fn what_is_no_project_is_not_built() {
    let project = Project::new("words", "c");
    for file in ["service.c", "json.c"] {
        fs::remove_file(project.path(file)).expect("it is there");
    }
    let refused = project.above(&["build", "words"]);
    refused.failed(1, "words cannot be built", "there is no Cargo.toml", "stokehold new");
    fs::remove_file(project.path("service.toml")).expect("it is there");
    project.above(&["build", "words"]).failed(1, "service.toml cannot be read", "No such", "holds");
}

#[test]
fn a_toolchain_that_is_missing_is_named_with_the_command_that_installs_it() {
    let empty = tempfile::tempdir().expect("a folder");
    for (language, why, install) in [
        ("rust", "no `rustc`", "sh.rustup.rs"),
        ("javascript", "no componentize-qjs", "run `npm install` in words"),
        ("python", "no componentize-py", "pip install -r requirements.txt` in words"),
        ("c", "neither zig", "pip install -r requirements.txt` in words"),
    ] {
        let project = Project::new("words", language);
        for lent in ["node_modules", ".venv"] {
            // Which it has depends on its language.
            let _ = fs::remove_file(project.path(lent));
        }
        let mut build = command(&["build", "words"]);
        build.current_dir(project.path("..")).env("PATH", empty.path());
        run(&mut build).failed(1, "words cannot be built", why, install);
    }
}

#[test]
fn a_compiler_s_errors_are_shown_and_the_component_stays_as_it_was() {
    for (language, file, from, to, said) in [
        ("rust", "src/lib.rs", "struct WordCount;", "struct;", "error: expected identifier"),
        ("javascript", "index.js", "export const service", "export const = service", "index.js"),
        ("python", "app.py", "class Service(", "class (", "SyntaxError"),
        ("c", "service.c", "struct counts {", "struct counts (", "error: expected ')'"),
    ] {
        let project = Project::new("words", language);
        project.edit(file, from, to);
        fs::write(project.path("words.wasm"), "the one before").expect("a file");
        let refused = project.stokehold(&["build"]);
        assert_eq!(refused.code, Some(1), "{language}: {}", refused.stderr);
        for said in
            [said, "error: . cannot be built\n  because: `", "hint: mend what the compiler says"]
        {
            assert!(refused.stderr.contains(said), "{language}: no {said:?} in {}", refused.stderr);
        }
        assert_eq!(fs::read(project.path("words.wasm")).expect("a file"), b"the one before");
    }
}

#[test]
fn c_that_reaches_for_what_is_not_there_is_told_so() {
    let project = Project::new("words", "c");
    project.edit(
        "service.c",
        "    char answer[80];",
        "    puts(\"counted\");\n    char answer[80];",
    );
    let refused = project.stokehold(&["build"]);
    refused.failed(1, ". is no component", "wasi_snapshot_preview1", "standard streams");
}
