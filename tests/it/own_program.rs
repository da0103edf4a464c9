//! `serve --to`: the owner's program answers the webhooks.

use http::{Request, StatusCode};
use tests::{
    client::{Client, header},
    faults::process::Process,
    flags_of_home,
    home::Person,
    program,
    target::Target,
};

#[tokio::test]
async fn the_owners_program_answers_and_its_answer_is_recorded() {
    let data = tempfile::tempdir().unwrap();
    let target = Target::start().await;
    let mut flags = flags_of_home(data.path());
    flags.extend(["--to", &target.url, "--to-timeout", "1"].map(str::to_owned));
    let mut home = Process::new(program("webhook-tutorial"), flags);
    home.start().await.unwrap();
    let page_url = home.page().borrow().clone().unwrap();
    let person = Person::new(&page_url, &Client::default());
    person.create().await;
    let post = async |below: &str, body: &'static [u8]| {
        let request = Request::post(format!("{}{below}", person.hook_url()));
        let request = request.header("x-own", "asked").body(body.into()).unwrap();
        person.client.send(request).await.unwrap()
    };

    target.answer_with(418);
    target.answer_headers(&[
        ("content-type", "text/html"),
        ("x-own", "answered"),
        ("set-cookie", "a=1"),
        ("clear-site-data", "*"),
        ("content-security-policy", "default-src *"),
        ("access-control-allow-origin", "*"),
    ]);
    let answer = post("/a/b?c", b"<script>1</script>").await;
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (418, &b"<script>1</script>"[..]));
    assert_eq!(header(answer.headers(), "x-own"), "answered");
    let got = &target.got()[0];
    assert_eq!(
        (got.uri().to_string().as_str(), header(got.headers(), "x-own")),
        ("/a/b?c", "asked")
    );
    for (name, value) in [
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("content-disposition", "attachment"),
        ("set-cookie", ""),
        ("clear-site-data", ""),
        ("access-control-allow-origin", ""),
    ] {
        assert_eq!(header(answer.headers(), name), value, "{name}");
    }

    // Bytes that the log can't keep, a program that takes too long, and none.
    assert_eq!(post("", b"\xff").await.status(), StatusCode::BAD_GATEWAY);
    target.answer_never();
    assert_eq!(post("", b"").await.status(), StatusCode::GATEWAY_TIMEOUT);
    let asked = target.got().len();
    // It is asked about no endpoint that does not exist.
    let nobody = Person::new(&page_url, &person.client);
    assert_eq!(nobody.post("text/plain", "x").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(target.got().len(), asked);
    drop(target);
    assert_eq!(post("", b"").await.status(), StatusCode::BAD_GATEWAY);

    let deliveries = person.log("").await.deliveries;
    let statuses: Vec<u16> = deliveries.iter().map(|delivery| delivery.response.status).collect();
    assert_eq!(statuses, [418, 502, 504, 502]);
    assert_eq!(deliveries[0].response.body, "<script>1</script>");
    assert!(deliveries[2].response.body.contains("it did not answer within 1 s"));
    assert!(deliveries[3].response.body.contains("refused"));
    home.kill().await;
}
