//! A server that makes endpoints only for who presents a code.

use http::{Method, Request, StatusCode};
use serde_json::json;
use tests::{browser::PHONE, client::json, flags_of_home, home::Home, program, visit::Visit};
use tokio::process::Command;

use tests::started::Started;

const CODE: &str = "let me in, please";

async fn guarded() -> Home {
    Home::start_with(|config| config.creation_code = Some(CODE.into())).await
}

#[tokio::test]
async fn creating_an_endpoint_takes_the_code_keeping_it_does_not() {
    let home = guarded().await;
    let person = tests::home::Person::new(&home.stack.page_url, &home.client);
    let put = async |code: Option<&str>| {
        let mut request = Request::put(format!("{}/api/endpoint", home.stack.page_url))
            .header("authorization", format!("Bearer {}", person.owner.reveal()));
        if let Some(code) = code {
            request = request.header(api::CREATION_CODE_HEADER, code);
        }
        home.client.send(request.body(bytes::Bytes::new()).unwrap()).await.unwrap()
    };
    for wrong in [None, Some(""), Some("let me in, pleas"), Some("own_")] {
        let answer = put(wrong).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{wrong:?}");
        let problem = json(&answer);
        assert_eq!(problem["field"], "creation_code");
        assert!(!problem.to_string().contains(CODE), "{problem}");
    }
    let nothing = person.call(Method::GET, "/api/endpoint", "").await;
    assert_eq!(nothing.status(), StatusCode::NOT_FOUND, "nothing was made");
    assert_eq!(put(Some(CODE)).await.status(), StatusCode::OK);
    assert_eq!(put(None).await.status(), StatusCode::OK);
    let sent = person.post("text/plain", "x").await;
    assert_eq!(sent.status(), StatusCode::OK, "webhooks need no code");
    let forgotten = person.call(Method::DELETE, "/api/endpoint", "").await;
    assert_eq!(forgotten.status(), StatusCode::NO_CONTENT);
    assert_eq!(put(None).await.status(), StatusCode::FORBIDDEN, "what is forgotten is made anew");
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_code_comes_from_a_file_or_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("code");
    let local = |data: &str, options: &[&str]| {
        let mut command = Command::new(program("webhook-tutorial"));
        command.args(flags_of_home(&dir.path().join(data))).args(options);
        command
    };
    std::fs::write(&file, format!("{CODE}\n")).unwrap();
    let file_flag = ["--creation-code-file", file.to_str().unwrap()];
    let mut by_input = local("input", &["--creation-code-file", "-"]);
    by_input.stdin(std::fs::File::open(&file).unwrap());
    let mut by_environment = local("environment", &[]);
    by_environment.env("CREATION_CODE", CODE);
    for mut command in [local("file", &file_flag), by_input, by_environment] {
        let started = Started::by(&mut command).await;
        let person = started.person();
        let refused = person.call(Method::PUT, "/api/endpoint", "").await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        let request = Request::put(format!("{}/api/endpoint", person.page_url))
            .header("authorization", format!("Bearer {}", person.owner.reveal()))
            .header(api::CREATION_CODE_HEADER, CODE)
            .body(bytes::Bytes::new());
        let made = person.client.send(request.unwrap()).await.unwrap();
        assert_eq!(made.status(), StatusCode::OK);
    }

    let refused = async |command: &mut Command, secret: &str, says: &str| {
        let ended = command.output().await.unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(says) && !said.contains(secret), "{said}");
    };
    let argument = ["--creation-code", CODE];
    refused(&mut local("no", &argument), CODE, "CREATION_CODE").await;
    for wrong in ["a tab\tis in it", "a line\nis in it", "Unicode ë here", " begins blank", "short"]
    {
        std::fs::write(&file, wrong).unwrap();
        refused(&mut local("no", &file_flag), wrong, "8 to 128 printable").await;
    }
}

#[tokio::test]
async fn the_page_asks_for_the_creation_code_and_does_not_store_it() {
    let home = guarded().await;
    let visit = Visit::to(&home, PHONE).await;
    let field = "[data-component$=creation-code] input";
    let type_in = async |text: &str| {
        let script = "const field = document.querySelector(arguments[0]); field.value = arguments[1]; return true";
        visit.run_with(script, vec![json!(field), json!(text)]).await;
        visit.press("[data-component$=creation-code] [type=submit]").await;
    };
    visit.act("start", "start").await;
    visit
        .shows(
            "the field for the code has the focus",
            &format!("return document.activeElement === document.querySelector('{field}')"),
        )
        .await;
    visit.look("html", "creation-code").await;
    type_in("a guess").await;
    visit.shows("the page says that it is wrong", "return document.querySelector('[data-component$=creation-code] [data-slot=problem]').textContent.includes('creation code is wrong')").await;
    type_in(CODE).await;
    visit.shows("what Start did is said, and has the focus", "return !document.querySelector('dialog[open]') && document.activeElement === document.querySelector('[data-component$=start] [data-slot=steps]') && document.querySelector('[data-component$=hook] [data-slot=url]').textContent.startsWith('http')").await;
    let kept = visit.run_with("return JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.querySelector(arguments[0]).value",
            vec![json!(field)],
        ).await;
    assert!(!kept.as_str().unwrap().contains(CODE), "{kept}");
    visit.end(home).await;
}
