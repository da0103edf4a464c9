//! What a build gives: the same bytes every time, and a page that keeps its own policy.

use std::{collections::BTreeSet, fs, path::Path};

use site::{Options, SiteFile, build, files};

fn all() -> Vec<SiteFile> {
    files(&Options::default()).expect("the site builds")
}

fn text(files: &[SiteFile], path: &str) -> String {
    let file = files.iter().find(|file| file.path == path);
    let bytes = &file.unwrap_or_else(|| panic!("no {path}")).bytes;
    String::from_utf8(bytes.clone()).expect("text")
}

/// Every value of an attribute in a text of HTML.
fn attribute<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let mark = format!(" {name}=\"");
    let values = html.split(&mark).skip(1);
    values.map(|rest| rest.split('"').next().unwrap_or_default()).collect()
}

#[test]
fn building_twice_gives_the_same_bytes() {
    assert_eq!(all(), all());
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("site");
    build(&out, &Options::default()).unwrap();
    build(&out, &Options::default()).unwrap();
    for file in all() {
        let written = fs::read(out.join(&file.path)).unwrap();
        assert!(written == file.bytes, "{} differs", file.path);
    }
}

#[test]
fn every_claim_names_a_paragraph_of_the_page() {
    let tutorial = text(&all(), "index.html");
    let claims = include_str!("../content/claims.md");
    let anchors = claims.split("](#").skip(1).filter_map(|rest| rest.split(')').next());
    let missing: Vec<_> = anchors.filter(|id| !attribute(&tutorial, "id").contains(id)).collect();
    assert!(claims.contains("](#") && missing.is_empty(), "no such paragraphs: {missing:?}");
}

#[test]
fn every_loaded_file_exists_and_is_immutable_if_hashed() {
    let files = all();
    let paths: BTreeSet<_> = files.iter().map(|file| format!("/{}", file.path)).collect();
    // Where prose leads to, in the one file that says so; nothing is loaded from there.
    let links = include_str!("../content/links.md");
    let tutorial = text(&files, "index.html");
    for page in ["index.html", "log", "404.html"] {
        let html = text(&files, page);
        for path in attribute(&html, "href").into_iter().chain(attribute(&html, "src")) {
            let is_local = match path.strip_prefix("/#") {
                Some(anchor) => attribute(&tutorial, "id").contains(&anchor),
                None => path.starts_with('#') || path == "/",
            };
            let is_listed = html.contains(&format!("<a href=\"{path}\""))
                && links.contains(&format!("]: {path}\n"));
            assert!(is_local || is_listed || paths.contains(path), "{page} loads {path}");
        }
    }
    for file in &files {
        let is_hashed = file.path.starts_with("static/");
        let is_for_ever = file.cache_control().contains("immutable");
        assert_eq!(is_hashed, is_for_ever, "{}", file.path);
        assert_ne!(file.content_type(), "application/octet-stream", "{}", file.path);
    }
}

#[test]
fn every_import_of_a_module_resolves() {
    let files = all();
    for file in files.iter().filter(|file| file.path.ends_with(".js")) {
        let source = text(&files, &file.path);
        let folder = file.path.rsplit_once('/').unwrap().0;
        for line in source.lines().filter(|line| line.contains(" from './")) {
            let name = line.split('\'').nth(1).unwrap().trim_start_matches("./");
            let path = format!("{folder}/{name}");
            assert!(files.iter().any(|file| file.path == path), "{}: {name}", file.path);
        }
    }
}

#[test]
fn nothing_on_the_page_is_inline_that_the_policy_forbids() {
    for page in ["index.html", "log", "404.html"] {
        let html = text(&all(), page);
        assert!(!html.contains(" style=\""), "{page}");
        assert!(!html.contains("<style"), "{page}");
        assert!(!html.contains(" onclick=") && !html.contains("javascript:"), "{page}");
        for script in html.split("<script").skip(1) {
            assert!(script.contains(" src=\"/static/"), "{page}");
            assert!(script.contains("></script>"), "{page}");
        }
    }
}

#[test]
fn links_within_the_page_lead_somewhere_and_ids_are_unique() {
    let html = text(&all(), "index.html");
    let ids = attribute(&html, "id");
    let unique: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "an id comes twice");
    for link in attribute(&html, "href") {
        if let Some(id) = link.strip_prefix('#') {
            assert!(unique.contains(id), "#{id} leads nowhere");
        }
    }
    for name in ["aria-labelledby", "for"] {
        for id in attribute(&html, name) {
            assert!(unique.contains(id), "{name}={id} leads nowhere");
        }
    }
}

#[test]
fn every_paragraph_that_the_log_links_to_is_there() {
    let html = text(&all(), "index.html");
    let ids = attribute(&html, "id");
    let titles = include_str!("../static/log/explained.js");
    let titles = titles.split("const TITLES").nth(1).unwrap();
    let anchors: Vec<_> = titles
        .lines()
        .filter_map(|line| line.strip_prefix("  ['"))
        .filter_map(|line| line.split('\'').next())
        .collect();
    assert!(anchors.len() > 10);
    for anchor in anchors {
        assert!(ids.contains(&anchor), "/#{anchor}");
    }
}

#[test]
fn no_section_is_hidden_before_a_script_hides_it() {
    let html = text(&all(), "index.html");
    let sections: Vec<_> =
        html.lines().filter(|line| line.contains("class=\"page-section\"")).collect();
    assert!(sections.len() >= 4);
    assert!(sections.iter().all(|tag| !tag.contains("hidden")));
    assert!(html.contains("Start and the live log need JavaScript"));
}

#[test]
fn every_field_of_the_webhook_is_explained_in_a_fold_of_its_own() {
    let html = text(&all(), "index.html");
    let section = html.split("<section id=\"webhook-details\"").nth(1);
    let section = section.unwrap().split("</section>").next().unwrap();
    let webhook = include_str!("../../infra/particle/webhook.json");
    let webhook: serde_json::Value = serde_json::from_str(webhook).unwrap();
    // The address is empty in the file, because each learner has one of their own.
    for field in webhook.as_object().unwrap().keys() {
        let fold = format!("<summary><code>{field}</code>: ");
        let folds = section.matches(&fold).count();
        assert_eq!(folds, 1, "{field} has {folds} folds in webhook-details");
    }
}

#[test]
fn a_long_value_of_an_example_can_be_scrolled_by_keys() {
    let html = text(&all(), "index.html");
    let values = html.split("<dd class=\"row-value\" data-slot=\"value\"").skip(1);
    let (long, short): (Vec<_>, Vec<_>) = values
        .filter_map(|rest| rest.split("</dd>").next())
        .partition(|value| value.lines().count() > 26);
    assert!(!long.is_empty() && !short.is_empty());
    assert!(long.iter().all(|value| value.starts_with(" tabindex=\"0\">")));
    assert!(short.iter().all(|value| value.starts_with('>')));
}
