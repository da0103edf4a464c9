//! A server that makes endpoints only for who presents a code.

use http::{Method, Request, StatusCode};
use serde_json::json;
use tests::{browser::PHONE, client::json, home::Home, visit::Visit};

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
        home.client
            .send(request.body(bytes::Bytes::new()).unwrap())
            .await
            .unwrap()
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
    assert_eq!(
        put(None).await.status(),
        StatusCode::FORBIDDEN,
        "what is forgotten is made anew"
    );
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_page_asks_for_the_creation_code_and_does_not_store_it() {
    let home = guarded().await;
    let visit = Visit::to(&home, PHONE).await;
    let field = "[data-component$=creation-code] input";
    let type_in = async |text: &str| {
        let script = "const field = document.querySelector(arguments[0]); field.value = arguments[1]; return true";
        visit
            .run_with(script, vec![json!(field), json!(text)])
            .await;
        visit
            .press("[data-component$=creation-code] [type=submit]")
            .await;
    };
    visit.act("start", "start").await;
    visit
        .shows(
            "the field for the code has the focus",
            &format!("return document.activeElement === document.querySelector('{field}')"),
        )
        .await;
    visit.look("creation-code").await;
    type_in("a guess").await;
    visit.shows("the page says that it is wrong", "return document.querySelector('[data-component$=creation-code] [data-slot=problem]').textContent.includes('creation code is wrong')").await;
    type_in(CODE).await;
    visit.shows("the hook URL is there and focused", "return !document.querySelector('dialog[open]') && document.activeElement === document.querySelector('[data-component$=hook] [data-slot=url]') && document.activeElement.textContent").await;
    let kept = visit.run_with("return JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.querySelector(arguments[0]).value",
            vec![json!(field)],
        ).await;
    assert!(!kept.as_str().unwrap().contains(CODE), "{kept}");
    visit.end(home).await;
}
