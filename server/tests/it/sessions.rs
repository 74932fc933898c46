//! Signing in and out.

use std::time::Duration;

use desk_api::{
    ErrorCode,
    rest::{Health, NewDevice, Session, SignInRequest},
};
use desk_domain::{ids::DeviceId, people::Role};
use reqwest::StatusCode;
use sha2::{Digest, Sha256};
use workernet_server::{
    auth::attempts::BURST,
    http::Limits,
    storage::{Devices, Directory},
};

use super::support::{Failure, NOW, TestServer, answer, sign_in_request};

fn check(failure: Failure, status: u16, code: ErrorCode) {
    let Failure { status: found, error, .. } = failure;
    assert_eq!((found.as_u16(), error.code), (status, code), "{error:?}");
}

#[tokio::test]
async fn health_needs_no_sign_in_and_tells_the_time() {
    let server = TestServer::start().await;
    let response = server.http.get(server.url("/v1/health")).send().await.unwrap();
    assert_eq!(response.headers()["date-ms"], NOW.0.to_string().as_str());
    let health: Health = answer(response).await.unwrap();
    assert_eq!((health.status.as_str(), health.wire_version, health.now), ("ok", 2, NOW));
    server.stop().await;
}

#[tokio::test]
async fn a_member_signs_in_and_out() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let session = &anna.session;
    assert_eq!((session.name.as_str(), session.role, session.now), ("anna", Role::Agent, NOW));
    assert_eq!(session.expires_at, NOW.plus_ms(15 * 60_000));
    assert_eq!(session.workspace_name, "acme");
    assert!(anna.pull(0).await.head > 0);
    let out = server.http.delete(server.url("/v1/sessions")).bearer_auth(&session.access_token);
    assert_eq!(out.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    check(server.pull(&session.access_token, 0).await.unwrap_err(), 401, ErrorCode::SessionExpired);
    let refused = server.refresh(&session.refresh_token, anna.id).await.unwrap_err();
    check(refused, 401, ErrorCode::SessionExpired);
    server.stop().await;
}

#[tokio::test]
async fn wrong_credentials_are_told_apart_by_nothing() {
    let server = TestServer::start().await;
    let good = sign_in_request("acme", "anna", DeviceId(server.fresh()));
    let mut told = Vec::new();
    for bad in [
        SignInRequest { password: "wrong-password".into(), ..good.clone() },
        SignInRequest { email: "nobody@acme.example".into(), ..good.clone() },
        SignInRequest { email: "no address".into(), ..good.clone() },
        SignInRequest { workspace: "other".into(), ..good.clone() },
        SignInRequest { password: "x".repeat(5_000), ..good.clone() },
    ] {
        let failure = server.try_sign_in(&bad).await.unwrap_err();
        told.push(failure.error.clone());
        check(failure, 401, ErrorCode::WrongCredentials);
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]));
    let typed = SignInRequest { email: " Anna@ACME.example ".into(), ..good };
    assert!(server.try_sign_in(&typed).await.is_ok(), "case and blanks do not matter");
    server.stop().await;
}

#[tokio::test]
async fn too_many_attempts_have_to_wait() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Agent).await;
    let good = sign_in_request("acme", "anna", DeviceId(server.fresh()));
    let bad = SignInRequest { password: "wrong-password".into(), ..good.clone() };
    for _ in 0..BURST {
        check(server.try_sign_in(&bad).await.unwrap_err(), 401, ErrorCode::WrongCredentials);
    }
    let failure = server.try_sign_in(&good).await.unwrap_err();
    assert_eq!(failure.retry_after.as_deref(), Some("15"));
    check(failure, 429, ErrorCode::RateLimited);
    let other = sign_in_request("acme", "boris", DeviceId(server.fresh()));
    assert!(server.try_sign_in(&other).await.is_ok(), "another account is not held up");
    server.clock.advance_ms(15_000);
    assert!(server.try_sign_in(&good).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn a_requester_gets_no_device() {
    let server = TestServer::start().await;
    server.member("acme", "rita", Role::Requester).await;
    let request = sign_in_request("acme", "rita", DeviceId(server.fresh()));
    let failure = server.try_sign_in(&request).await.unwrap_err();
    assert!(failure.error.message.contains("requester"), "{failure:?}");
    check(failure, 403, ErrorCode::Forbidden);
    let workspace = server.storage.workspace_by_slug("acme").await;
    assert_eq!(server.storage.devices(workspace.unwrap().unwrap().id).await.unwrap(), []);
    server.stop().await;
}

#[tokio::test]
async fn a_device_is_one_members_and_never_the_servers() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Agent).await;
    let anna = server.device("acme", "anna").await;
    assert!(server.try_sign_in(&sign_in_request("acme", "anna", anna.id)).await.is_ok());
    let stolen = sign_in_request("acme", "boris", anna.id);
    check(server.try_sign_in(&stolen).await.unwrap_err(), 403, ErrorCode::Forbidden);
    let workspace = server.storage.workspace_by_slug("acme").await;
    let servers = sign_in_request("acme", "boris", workspace.unwrap().unwrap().server_device);
    check(server.try_sign_in(&servers).await.unwrap_err(), 403, ErrorCode::Forbidden);
    server.stop().await;
}

#[tokio::test]
async fn an_access_token_lasts_a_quarter_of_an_hour_and_is_refreshed() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    server.clock.advance_ms(15 * 60_000);
    check(server.pull(&anna.session.access_token, 0).await.unwrap_err(), 401, ErrorCode::SessionExpired);
    let next = server.refresh(&anna.session.refresh_token, anna.id).await.unwrap();
    assert_ne!(next.refresh_token, anna.session.refresh_token);
    assert_eq!(next.member, anna.session.member);
    assert!(server.pull(&next.access_token, 0).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_the_session_everywhere() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let next = server.refresh(&anna.session.refresh_token, anna.id).await.unwrap();
    let newest = server.refresh(&next.refresh_token, anna.id).await.unwrap();
    let reused = server.refresh(&anna.session.refresh_token, anna.id).await.unwrap_err();
    check(reused, 401, ErrorCode::SessionExpired);
    check(server.pull(&newest.access_token, 0).await.unwrap_err(), 401, ErrorCode::SessionExpired);
    let after = server.refresh(&newest.refresh_token, anna.id).await.unwrap_err();
    check(after, 401, ErrorCode::SessionExpired);
    assert!(server.try_sign_in(&sign_in_request("acme", "anna", anna.id)).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_signs_nobody_out() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let lost = server.refresh(&anna.session.refresh_token, anna.id).await.unwrap();
    server.clock.advance_ms(30_000);
    let next = server.refresh(&anna.session.refresh_token, anna.id).await.unwrap();
    assert_ne!(next.refresh_token, lost.refresh_token);
    assert!(server.pull(&next.access_token, 0).await.is_ok());
    assert!(server.refresh(&next.refresh_token, anna.id).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn a_refresh_token_is_of_no_use_on_another_device() {
    let server = TestServer::start().await;
    let (anna, other) = (server.device("acme", "anna").await, server.device("acme", "anna").await);
    let refused = server.refresh(&anna.session.refresh_token, other.id).await.unwrap_err();
    check(refused, 401, ErrorCode::SessionExpired);
    let nonsense = server.refresh("nonsense", anna.id).await.unwrap_err();
    check(nonsense, 401, ErrorCode::SessionExpired);
    assert!(server.refresh(&anna.session.refresh_token, anna.id).await.is_ok());
    server.stop().await;
}

/// The answer shows what only the server at which the device signed in can show.
fn proven(session: &Session, failure: &Failure) {
    let proof = hex::decode(failure.erase_proof.as_ref().expect("a proof")).unwrap();
    assert_eq!(hex::encode(Sha256::digest(proof)), session.erase_check);
}

#[tokio::test]
async fn a_revoked_device_is_told_so_whatever_it_asks() {
    let server = TestServer::start().await;
    let (anna, other) = (server.device("acme", "anna").await, server.device("acme", "anna").await);
    assert!(server.storage.revoke_device(anna.id, NOW).await.unwrap());
    let session = &anna.session;
    let again = sign_in_request("acme", "anna", anna.id);
    for failure in [
        server.pull(&session.access_token, 0).await.unwrap_err(),
        anna.try_push(vec![]).await.unwrap_err(),
        server.refresh(&session.refresh_token, anna.id).await.unwrap_err(),
        server.try_sign_in(&again).await.unwrap_err(),
    ] {
        proven(session, &failure);
        check(failure, 403, ErrorCode::DeviceRevoked);
    }
    assert_ne!(other.session.erase_check, session.erase_check);
    let nobody = server.refresh("nonsense", anna.id).await.unwrap_err();
    assert_eq!(nobody.erase_proof, None, "who does not show that they are the device gets no proof");
    let stranger = SignInRequest { password: "wrong-password".into(), ..again };
    assert_eq!(server.try_sign_in(&stranger).await.unwrap_err().erase_proof, None);
    assert!(other.pull(0).await.head > 0, "the member's other device goes on");
    server.stop().await;
}

#[tokio::test]
async fn a_member_who_left_is_told_so_on_every_device() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let session = &anna.session;
    server.set_active("acme", "anna", false).await;
    for _ in 0..2 {
        // A lost answer must not turn into a session that merely ended.
        for failure in [
            server.pull(&session.access_token, 0).await.unwrap_err(),
            anna.try_push(vec![]).await.unwrap_err(),
            server.refresh(&session.refresh_token, anna.id).await.unwrap_err(),
        ] {
            proven(session, &failure);
            check(failure, 403, ErrorCode::AccessEnded);
        }
    }
    let again = sign_in_request("acme", "anna", DeviceId(server.fresh()));
    check(server.try_sign_in(&again).await.unwrap_err(), 401, ErrorCode::WrongCredentials);
    server.set_active("acme", "anna", true).await;
    server.set_role("acme", "anna", Role::Requester).await;
    let demoted = server.refresh(&session.refresh_token, anna.id).await.unwrap_err();
    proven(session, &demoted);
    check(demoted, 403, ErrorCode::AccessEnded);
    server.stop().await;
}

#[tokio::test]
async fn tokens_of_another_key_and_of_no_key_are_refused() {
    let server = TestServer::start().await;
    let other = TestServer::start().await;
    let theirs = other.device("acme", "anna").await.session.access_token;
    for token in [theirs.as_str(), "", "a.b.c"] {
        check(server.pull(token, 0).await.unwrap_err(), 401, ErrorCode::SignedOut);
    }
    let response = server.http.get(server.url("/v1/sync/pull?after=0")).send().await.unwrap();
    check(answer::<()>(response).await.unwrap_err(), 401, ErrorCode::SignedOut);
    server.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn every_error_is_an_api_error() {
    let server = TestServer::start().await;
    let anna = server.device("acme", "anna").await;
    let token = &anna.session.access_token;
    let get = |path: &str| server.http.get(server.url(path)).bearer_auth(token);
    let post = |path: &str| server.http.post(server.url(path));
    let table = [
        (get("/"), 404, ErrorCode::NotFound),
        (get("/v2/health"), 404, ErrorCode::NotFound),
        (get("/v1/sessions"), 405, ErrorCode::BadRequest),
        (post("/v1/sessions").body("{"), 400, ErrorCode::BadRequest),
        (post("/v1/sessions").body("{}"), 400, ErrorCode::BadRequest),
        (post("/v1/sessions").body("x".repeat(100_000)), 413, ErrorCode::TooLarge),
        (post("/v1/sessions/refresh").body("[]"), 400, ErrorCode::BadRequest),
        (get("/v1/sync/pull"), 400, ErrorCode::BadRequest),
        (get("/v1/sync/pull?after=-1"), 400, ErrorCode::BadRequest),
        (get("/v1/live"), 400, ErrorCode::BadRequest),
    ];
    for (request, status, code) in table {
        check(answer::<()>(request.send().await.unwrap()).await.unwrap_err(), status, code);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    // A password takes some 20 ms to check, on purpose.
    let limits = Limits { request: Duration::from_millis(1), ..Limits::default() };
    let server = TestServer::start_with(limits).await;
    let request = sign_in_request("acme", "anna", DeviceId(server.fresh()));
    check(server.try_sign_in(&request).await.unwrap_err(), 500, ErrorCode::Internal);
    server.stop().await;
}

#[tokio::test]
async fn an_installation_goes_on_as_another_device_of_its_member() {
    let server = TestServer::start().await;
    server.member("acme", "boris", Role::Agent).await;
    let (anna, boris) = (server.device("acme", "anna").await, server.device("acme", "boris").await);
    let register = |token: &str, device: DeviceId| {
        let request = NewDevice { device, device_name: "копия".into() };
        server.http.post(server.url("/v1/devices")).bearer_auth(token).json(&request).send()
    };
    let fresh = DeviceId(server.fresh());
    let session: Session = answer(register(&anna.session.access_token, fresh).await.unwrap()).await.unwrap();
    assert_eq!(session.member, anna.session.member);
    assert_ne!(session.erase_check, anna.session.erase_check);
    assert!(server.pull(&session.access_token, 0).await.is_ok());
    assert!(server.pull(&anna.session.access_token, 0).await.is_ok(), "the other copy goes on");
    assert!(server.refresh(&session.refresh_token, fresh).await.is_ok());
    let taken = register(&boris.session.access_token, fresh).await.unwrap();
    check(answer::<Session>(taken).await.unwrap_err(), 403, ErrorCode::Forbidden);
    let nobody = register("", fresh).await.unwrap();
    check(answer::<Session>(nobody).await.unwrap_err(), 401, ErrorCode::SignedOut);
    server.storage.revoke_device(anna.id, NOW).await.unwrap();
    let revoked = register(&anna.session.access_token, DeviceId(server.fresh())).await.unwrap();
    check(answer::<Session>(revoked).await.unwrap_err(), 403, ErrorCode::DeviceRevoked);
    server.stop().await;
}
