//! How the tutorial's firmware puts a response together from its parts, whatever comes in whatever order.

use virtual_device::wire::HostMessage;

use crate::scenario::{Build, ID, Scenario, TUTORIAL, changed};

/// The tutorial's firmware, but it prints a whole response on the serial port, where the log shortens it.
async fn device() -> Scenario {
    let text = changed(
        TUTORIAL,
        "Log.info(\"hook response %s\", response);",
        "Serial.print(\"whole \"); Serial.println(static_cast<const char *>(response));",
    );
    let mut device = Scenario::of(&text, Build::Sanitized, 0).await;
    device.run_for(10).await;
    device
}

/// `size` characters that differ from place to place and from seed to seed.
fn text(seed: usize, size: usize) -> String {
    (0..size)
        .map(|place| {
            char::from(b'a' + u8::try_from((place * 7 + place / 512 + seed * 3) % 26).unwrap())
        })
        .collect()
}

fn parts(response: &str) -> Vec<&str> {
    response.as_bytes().chunks(512).map(|part| std::str::from_utf8(part).unwrap()).collect()
}

fn whole(device: &Scenario) -> Vec<&str> {
    device.serial().into_iter().filter_map(|line| line.strip_prefix("whole ")).collect()
}

/// Every order of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let insert =
        |order: &Vec<usize>, at: usize| [&order[..at], &[count - 1], &order[at..]].concat();
    orders(count - 1)
        .iter()
        .flat_map(|order| (0..count).map(|at| insert(order, at)).collect::<Vec<_>>())
        .collect()
}

#[tokio::test]
async fn parts_are_put_together_in_whatever_order_they_come() {
    let mut device = device().await;
    let mut expected = Vec::new();
    for (round, order) in orders(4).into_iter().enumerate() {
        let response = text(round, 3 * 512 + 100);
        for number in &order {
            device.part(*number, parts(&response)[*number]);
        }
        device.run_for(20).await;
        expected.push(response);
    }
    assert_eq!(expected.len(), 24);
    assert_eq!(whole(&device), expected);
}

#[tokio::test]
async fn a_part_that_comes_twice_makes_no_difference() {
    let mut device = device().await;
    let mut expected = Vec::new();
    for (round, order) in orders(3).into_iter().enumerate() {
        for twice in 0..2 {
            let response = text(round, 2 * 512 + 1);
            for number in &order {
                device.part(*number, parts(&response)[*number]);
                if *number == order[twice] {
                    device.part(*number, parts(&response)[*number]);
                }
            }
            device.run_for(20).await;
            expected.push(response);
        }
    }
    assert_eq!(whole(&device), expected);
}

#[tokio::test]
async fn responses_of_every_length_arrive_whole() {
    let mut device = device().await;
    let mut expected = Vec::new();
    for (round, size) in [0, 1, 511, 512, 513, 1023, 1024, 1025, 5119, 5120].into_iter().enumerate()
    {
        let response = text(round, size);
        if size == 0 {
            device.event(&format!("{ID}/hook-response/WebhookTutorial01/0"), None);
        }
        for (number, part) in parts(&response).into_iter().enumerate().rev() {
            device.part(number, part);
        }
        // A multiple of 512 ends with silence.
        device.run_for(10_100).await;
        expected.push(response);
    }
    assert_eq!(whole(&device), expected);
    assert!(device.logged("hook response").is_empty(), "{:?}", device.serial());
}

#[tokio::test]
async fn a_lost_part_loses_its_response_and_no_other() {
    let mut device = device().await;
    let lost = text(1, 1100);
    device.part(0, parts(&lost)[0]);
    device.part(2, parts(&lost)[2]);
    device.run_for(5_000).await;
    let next = text(2, 700);
    device.part(0, parts(&next)[0]);
    device.part(1, parts(&next)[1]);
    device.run_for(20_000).await;
    assert_eq!(whole(&device), [next]);

    device.part(0, parts(&lost)[0]);
    device.part(2, parts(&lost)[2]);
    device.run_for(20_000).await;
    assert_eq!(device.logged("hook response incomplete").len(), 1);
}

#[tokio::test]
async fn a_response_that_is_not_cut_is_printed_as_it_is() {
    let mut device = device().await;
    for size in [513, 1024, 1025] {
        device.part(0, &text(size, size));
        device.run_for(20).await;
    }
    // Over 1024 bytes an event does not reach a device.
    let printed = device.logged("hook response ");
    assert_eq!(printed.len(), 2);
    assert!(printed[0].starts_with(&format!("hook response {}", &text(513, 100))));
}

#[tokio::test]
async fn names_that_no_cloud_sends_do_no_harm() {
    let mut device = device().await;
    for end in
        ["", "/", "/x", "/-1", "/4294967295", "/18446744073709551616", "/1e3", "/ 1", "x/0", "//"]
    {
        let name = format!("{ID}/hook-response/WebhookTutorial01{end}");
        device.event(&name, Some("{}"));
        device.event(&name, None);
        device.event(&name, Some(&text(0, 512)));
        device.run_for(20).await;
    }
    device.run_for(20_000).await;
    device.part(0, "still here");
    device.run_for(20).await;
    assert_eq!(whole(&device).last(), Some(&"still here"));
}

#[tokio::test]
async fn an_error_is_printed_and_an_empty_one_too() {
    let mut device = device().await;
    let name = format!("{ID}/hook-error/WebhookTutorial01/0");
    device.event(&name, Some("error status 404 from example.com"));
    device.event(&name, None);
    device.event(&name, Some(""));
    device.run_for(20).await;
    assert_eq!(
        device.logged("hook error"),
        ["hook error error status 404 from example.com", "hook error ", "hook error "]
    );
    assert!(device.serial()[0].contains("[app] ERROR: "));
}

#[tokio::test]
async fn the_response_to_another_device_is_not_seen() {
    let mut device = device().await;
    let other = ID.replace("f0f0", "0f0f");
    device.event(&format!("{other}/hook-response/WebhookTutorial01/0"), Some("{}"));
    device.event("hook-response/WebhookTutorial01/0", Some("{}"));
    device.event(&format!("{ID}/hook-response/webhooktutorial01/0"), Some("{}"));
    device.run_for(20_000).await;
    assert!(device.serial().is_empty());
}

#[tokio::test]
async fn what_arrives_while_it_is_not_connected_is_not_seen() {
    let mut device = device().await;
    device.connected(false);
    device.part(0, "{}");
    device.run_for(20).await;
    device.send(&HostMessage::Connected(true));
    device.run_for(20).await;
    assert!(device.serial().is_empty());
}
