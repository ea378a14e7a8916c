//! Publishing: the answer, what is refused and in which order.

use tidings_auth::Dialects;

use super::{
    super::{Ids, MercureSettings},
    support::{API_KEY, Front, ORIGIN, PATH, both, closed, v0, v1},
};

fn one_dialect(dialects: Dialects) -> Front {
    let settings = MercureSettings { dialects, ..MercureSettings::default() };
    Front::new(tidings_auth::Settings::default(), settings)
}

fn open_v1() -> Front {
    one_dialect(Dialects { v1: true, v0: false })
}

// 1.4, 2 Publish
#[tokio::test]
async fn the_answer_is_the_id_and_nothing_else() {
    for dialects in [Dialects { v1: true, v0: false }, Dialects { v1: false, v0: true }] {
        let front = one_dialect(dialects);
        let answer = front.post("topic=a&id=urn:uuid:5e94c686-2c0b-4f9b-958c-92ccc3bbb4eb").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.text().await, "urn:uuid:5e94c686-2c0b-4f9b-958c-92ccc3bbb4eb");
        let own = front.post("topic=a").await.text().await;
        assert_eq!(front.hub.log().status().last_id, Some(own));
    }
}

// 1.4, 3: ids by switch
#[tokio::test]
async fn ids_look_like_the_references_if_wanted() {
    let settings = MercureSettings { ids: Ids::UrnUuid, ..both() };
    let front = Front::new(tidings_auth::Settings::default(), settings);
    let id = front.post("topic=a").await.text().await;
    assert!(id.starts_with("urn:uuid:"), "{id}");
    assert_eq!(front.hub.log().status().last_id, Some(id));
    assert_eq!(front.post("topic=a&id=mine").await.text().await, "mine");
}

// 1.4
#[tokio::test]
async fn bad_publications_are_told_so() {
    let front = open_v1();
    for form in [
        "data=x",
        "topic=*",
        "topic=/.well-known/mercure/subscriptions/x",
        "topic=mercure/x",
        "topic=a&id=%23a",
        "topic=a&id=earliest",
        "topic=a&type=mercure",
        "topic=a&type=tidings.reset",
        "topic=a&retry=1.5",
        "topic=a&data=%ff",
    ] {
        assert_eq!(front.post(form).await.status(), 400, "{form}");
    }
    assert_eq!(front.hub.log().status().last_id, None);
}

// 2 Publish
#[tokio::test]
async fn bad_publications_are_told_so_in_0_x() {
    let front = Front::new(tidings_auth::Settings::default(), both());
    for (form, status) in [
        ("data=x", 400),
        ("topic=https://a/.well-known/mercure/x", 403),
        ("topic=a&retry=x", 400),
        ("topic=a&type=x%0Ay", 400),
        ("topic=a&type=mercure", 200),
        ("topic=a&id=%23a", 200),
        ("topic=*", 200),
    ] {
        assert_eq!(front.post(form).await.status(), status, "{form}");
    }
}

// 1.4: limits
#[tokio::test]
async fn a_body_is_a_form_and_not_too_large() {
    let front = open_v1();
    let large = format!("topic=a&data={}", "x".repeat(1 << 20));
    assert_eq!(front.post(&large).await.status(), 413);
    assert_eq!(front.post(&large[..1 << 20]).await.status(), 200);
    for (content_type, status) in [
        ("application/x-www-form-urlencoded; charset=utf-8", 200),
        ("application/json", 415),
        ("multipart/form-data; boundary=x", 415),
    ] {
        let headers = [("content-type", content_type)];
        assert_eq!(front.send("POST", PATH, &headers, "topic=a").await.status(), status, "{content_type}");
    }
    // What stands in the query is none of it.
    assert_eq!(front.send("POST", &format!("{PATH}?topic=a"), &[], "").await.status(), 400);
}

// 1.4: the order of checks
#[tokio::test]
async fn who_may_not_publish_is_not_told_what_is_wrong() {
    let front = Front::new(closed(), both());
    let (nothing, a) = (v1(&[], &[]), v1(&["a"], &[]));
    let large = "x".repeat((1 << 20) + 1);
    for (token, form, status) in [
        (None, &*large, 401),
        (None, "", 401),
        (Some(&nothing), &*large, 413),
        (Some(&nothing), "data=x", 400),
        (Some(&nothing), "topic=a%0Ab", 400),
        (Some(&nothing), "topic=a&retry=x", 400),
        (Some(&nothing), "topic=mercure/x", 403),
        (Some(&nothing), "topic=a&id=%23", 403),
        (Some(&a), "topic=a&id=%23", 400),
        (Some(&a), "topic=a", 200),
    ] {
        let answer = match token {
            Some(token) => front.publish(token, form).await,
            None => front.post(form).await,
        };
        assert_eq!(answer.status(), status, "{token:?} {form:.60}");
    }
}

// 1.4, 2 Publish
#[tokio::test]
async fn every_topic_must_be_granted_public_ones_too() {
    let front = Front::new(closed(), both());
    let new = [
        (v1(&["a", "/books/:id"], &["*"]), "topic=a&topic=/books/1", 200),
        (v1(&["a"], &["*"]), "topic=a&topic=b", 403),
        (v1(&["a"], &["*"]), "topic=b&private=on", 403),
        (v1(&[], &["*"]), "topic=a", 403),
        (v1(&["*"], &[]), "topic=a&topic=b&private=on", 200),
    ];
    let old = [
        (v0(&["a", "/books/{id}"], &["*"]), "topic=a&topic=/books/1", 200),
        (v0(&["a"], &["*"]), "topic=a&topic=b", 401),
        (v0(&[], &["*"]), "topic=a", 401),
        (v0(&["*"], &[]), "topic=a&topic=b&private=on", 200),
    ];
    for (token, form, status) in new.into_iter().chain(old) {
        let answer = front.publish(&token, form).await;
        assert_eq!(answer.status(), status, "{form}");
        if status != 200 {
            assert!(answer.challenge().contains("error=\"insufficient_scope\""), "{}", answer.challenge());
            let text = answer.text().await;
            assert!(text.contains("may not publish"), "{text}");
        }
    }
}

#[tokio::test]
async fn keys_of_the_hub_publish_too() {
    let front = Front::new(closed(), both());
    assert_eq!(front.publish(API_KEY, "topic=/books/1&private=on").await.status(), 200);
    assert_eq!(front.publish(API_KEY, "topic=elsewhere").await.status(), 401);
    let settings = MercureSettings::default();
    let front = Front::new(closed(), settings);
    assert_eq!(front.publish(API_KEY, "topic=elsewhere").await.status(), 403);
}

#[tokio::test]
async fn a_key_with_a_rate_is_slowed_down() {
    let mut rights = closed();
    rights.keys[0].rate = std::num::NonZeroU32::new(1);
    let front = Front::new(rights, both());
    assert_eq!(front.publish(API_KEY, "topic=/books/1").await.status(), 200);
    let answer = front.publish(API_KEY, "topic=/books/1").await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.header("retry-after"), "1");
}

// 1.6: cookies that publish
#[tokio::test]
async fn a_cookie_publishes_from_allowed_pages_alone() {
    let publish_origins = vec![ORIGIN.to_owned(), "https://*.shop.example".to_owned()];
    let front = Front::new(closed(), MercureSettings { publish_origins, ..both() });
    let new = format!("__Secure-mercure_access_token={}", v1(&["*"], &[]));
    let old = format!("mercureAuthorization={}", v0(&["*"], &[]));
    for (headers, allowed) in [
        (&[][..], false),
        (&[("origin", ORIGIN)], true),
        (&[("origin", "https://eu.shop.example")], true),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "null"), ("referer", "https://app.example/x")], false),
        (&[("referer", "https://app.example/page?x=y")], true),
        (&[("referer", "https://evil.example/https://app.example")], false),
    ] {
        for (cookie, refused) in [(&new, 400), (&old, 401)] {
            let headers = [headers, &[("cookie", &**cookie)]].concat();
            let answer = front.send("POST", PATH, &headers, "topic=a").await;
            assert_eq!(answer.status(), if allowed { 200 } else { refused }, "{headers:?}");
            if !allowed && refused == 400 {
                assert!(answer.challenge().starts_with("Bearer error=\"invalid_request\""));
            }
        }
    }
    // A header wins, and the cookie is not looked at.
    let authorization = format!("Bearer {}", v1(&["*"], &[]));
    let headers = [("authorization", &*authorization), ("cookie", "__Secure-mercure_access_token=bad")];
    assert_eq!(front.send("POST", PATH, &headers, "topic=a").await.status(), 200);
}
