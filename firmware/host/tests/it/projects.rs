//! Firmware as people have it: sketches and projects of several files.

use virtual_device::{
    compiler::{Failure, Source},
    platform::Platform,
};

use crate::scenario::compiler;

/// Compiles without keeping the program: `Ok`, or the compiler's output.
async fn compile(files: &[(&str, &str)]) -> Result<(), String> {
    let source =
        |(name, text): &(&str, &str)| Source { name: (*name).into(), text: (*text).into() };
    let sources: Vec<_> = files.iter().map(source).collect();
    let dir = tempfile::tempdir().unwrap();
    match compiler().await.compile(&sources, Platform::Boron, &[], dir.path()).await {
        Ok(_) => Ok(()),
        Err(Failure::Source(said)) => Err(said),
        Err(Failure::Machine(error)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_sketch_may_use_a_function_above_its_definition() {
    let text = "void setup(){helper();} void loop(){} void helper(){}";
    assert_eq!(compile(&[("x.ino", text)]).await, Ok(()));
}

#[tokio::test]
async fn positions_are_those_of_the_sketch() {
    let text = "// a sketch\nvoid setup() {}\n\tint n; void loop() { helper(nothing); }\nvoid helper(int) {}\n";
    let said = compile(&[("src/x.ino", text)]).await.unwrap_err();
    assert!(said.contains("src/x.ino:3:37: error: 'nothing' was not declared"), "{said}");
    // The line that is quoted, too.
    assert!(said.contains("int n; void loop() { helper(nothing); }"), "{said}");
    assert!(!said.contains("#include"), "{said}");
}

#[tokio::test]
async fn a_project_has_folders_libraries_and_c() {
    let files = [
        (
            "src/app.ino",
            "#include \"util.h\"\n#include \"parts/more.h\"\nvoid setup() { twice(more()); }\nvoid loop() {}\n",
        ),
        ("src/parts/more.h", "#pragma once\nint more();\n"),
        ("src/parts/more.cpp", "#include \"parts/more.h\"\nint more() { return 1; }\n"),
        ("lib/util/src/util.h", "#pragma once\nextern \"C\" int twice(int n);\n"),
        ("lib/util/src/util.c", "int twice(int class) { return 2 * class; }\n"),
    ];
    assert_eq!(compile(&files).await, Ok(()));
}
