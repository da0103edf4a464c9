//! A firmware that means harm, or a source that does: bounded in what it may write and in what the compiler may say.

use virtual_device::platform::Platform;

use crate::scenario::{Build, Scenario, compile};

/// A firmware whose `loop()` does this.
fn firmware(doing: &str) -> String {
    format!(
        "#include \"Particle.h\"\n#include <cstdio>\n#include <cstdlib>\nSerialLogHandler logHandler;\nvoid setup() {{}}\nvoid loop() {{\n{doing}\n}}\n"
    )
}

#[tokio::test]
async fn it_knows_nothing_of_the_environment() {
    let text = firmware(r#"    Log.info("home is %s", getenv("HOME") ? "known" : "not known");"#);
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    device.run_for(10).await;
    assert_eq!(device.logged("home is not known").len(), 1);
}

#[tokio::test]
async fn the_first_byte_that_it_writes_to_a_file_ends_it() {
    let text = firmware(
        r#"    FILE *file = fopen("note", "w");
    setvbuf(file, nullptr, _IONBF, 0);
    fputs("something", file);"#,
    );
    let mut device = Scenario::of(&text, Build::Plain, 0).await;
    let end = device.run_to_its_end(1_000).await;
    assert!(end.contains("Crash"), "{end}");
    let harmless = firmware("");
    let mut device = Scenario::of(&harmless, Build::Plain, 0).await;
    assert_eq!(device.run_to_its_end(1_000).await, "");
}

#[tokio::test]
async fn what_the_compiler_says_is_cut_where_it_would_never_end() {
    let many = "undeclared;\n".repeat(20_000);
    let said = compile(&firmware(&many), Platform::Boron, Build::Plain)
        .await
        .unwrap_err();
    assert!(said.len() <= 64 * 1024, "{} bytes", said.len());
    assert!(said.contains("webhook-tutorial.cpp"), "{said}");
}
