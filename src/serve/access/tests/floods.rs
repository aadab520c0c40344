//! Strangers cause few reviews, and keep nobody out who was let in before.

use super::*;

/// What strangers and the known may cause at once, and what the seconds of a slow machine add.
const AT_ONCE: usize = 20;
const SLACK: usize = 200;

/// Far more than any of it.
const FLOOD: usize = 3_000;

#[tokio::test]
async fn made_up_tokens_and_paths_cause_few_reviews() {
    let (server, access) = access().await;
    let mut busy = 0;
    for number in 0..FLOOD {
        let (path, token) = (format!("/x{number}"), format!("Bearer bad{number}"));
        let refused = match number % 2 {
            0 => access.check("get", &path, None, None).await,
            _ => access.check("get", "/metrics", Some(&token), None).await,
        };
        busy += usize::from(refused.unwrap_err() == Refusal::Busy);
    }
    let asked = server.requests().len();
    assert!((AT_ONCE..AT_ONCE + SLACK).contains(&asked), "{asked} reviews");
    assert_eq!(asked + busy, FLOOD, "whoever was not asked about was told to come again");
}

#[tokio::test]
async fn whoever_was_let_in_before_is_let_in_amid_a_flood() {
    let (server, mut access) = access().await;
    let check = async |access: &Access, token: &str| {
        let header = format!("Bearer {token}");
        access.check("get", "/metrics", Some(&header), None).await
    };
    assert_eq!(check(&access, "good").await, Ok(()));
    // Ten seconds later: its answers no longer count.
    access.users = Remembered::new(TTL, REMEMBERED_MAX);
    access.decisions = Remembered::new(TTL, REMEMBERED_MAX);
    for number in 0..AT_ONCE {
        assert!(check(&access, &format!("bad{number}")).await.is_err());
    }
    while check(&access, "another").await != Err(Refusal::Busy) {
        access.users = Remembered::new(TTL, REMEMBERED_MAX);
    }
    let asked = server.requests().len();
    assert_eq!(check(&access, "good").await, Ok(()));
    assert_eq!(server.requests().len(), asked + 2, "both reviews were made anew");
}
