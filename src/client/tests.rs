#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn master_is_a_url_or_host_and_port() {
    assert_eq!(parse_master("https://h:6443").unwrap().to_string(), "https://h:6443/");
    assert_eq!(parse_master("127.0.0.1:8080").unwrap().to_string(), "http://127.0.0.1:8080/");
    for bad in ["ftp://h", "http://", "a b"] {
        let text = parse_master(bad).unwrap_err().to_string();
        assert!(text.starts_with(&format!("--master {bad:?}")), "{text}");
    }
}

#[tokio::test]
async fn kubeconfig_and_master_together() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kubeconfig");
    std::fs::write(
        &path,
        r#"{"apiVersion":"v1","kind":"Config","current-context":"c",
            "clusters":[{"name":"k","cluster":{"server":"https://a:1"}}],
            "users":[{"name":"u","user":{"token":"t"}}],
            "contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}]}"#,
    )
    .unwrap();
    let mut options = ConnectOptions { kubeconfig: Some(path), master: None };
    let config = load(&options).await.unwrap();
    assert_eq!(config.cluster_url.to_string(), "https://a:1/");
    assert!(!config.default_retry, "a bind must not be repeated unseen");
    options.master = Some("https://b:2".to_owned());
    assert_eq!(load(&options).await.unwrap().cluster_url.to_string(), "https://b:2/");
    // The environment has none for loopback hosts, whatever it says.
    options.master = Some("https://127.0.0.1:2".to_owned());
    assert_eq!(load(&options).await.unwrap().proxy_url, None);
    let path = options.kubeconfig.clone().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let proxied = text.replace(r#""server":"#, r#""proxy-url":"http://p:3128","server":"#);
    std::fs::write(&path, proxied).unwrap();
    let proxy = load(&options).await.unwrap().proxy_url.unwrap();
    assert_eq!(proxy, "http://p:3128/");
    options.kubeconfig = Some(dir.path().join("missing"));
    let error = load(&options).await.unwrap_err();
    let text = chain(&error);
    let named = format!("kubeconfig {}: No such", dir.path().join("missing").display());
    assert!(text.starts_with(&named) && text.matches("No such").count() == 1, "{text}");
}

#[tokio::test]
async fn requests_apart_slow_no_others() {
    let server = fake::FakeServer::start(|_| fake::Reply::status(429, "TooManyRequests", "")).await;
    let client = server.client();
    let apart = client.clone().apart();
    let rate = Rate::from_client_connection(0.0, 0);
    let (binds, events) = (client.bucket(rate), apart.bucket(rate));
    let get = || request("GET", "/x", None).unwrap();
    exchange(&apart, get(), std::time::Duration::from_secs(20)).await.unwrap();
    assert_eq!((binds.qps(), events.qps()), (Some(START_QPS), Some(START_QPS / 2.0)));
    // Clones are not apart.
    exchange(&client.clone(), get(), std::time::Duration::from_secs(20)).await.unwrap();
    assert_eq!(binds.qps(), Some(START_QPS / 2.0));
}

#[tokio::test]
async fn user_agent_reaches_the_server() {
    let server = fake::FakeServer::start(|_| fake::Reply::json(200, "{}")).await;
    let request = request("GET", "/version", None).unwrap();
    exchange(&server.client(), request, std::time::Duration::from_secs(20)).await.unwrap();
    let seen = server.requests();
    assert_eq!(seen[0].header("user-agent"), user_agent());
    assert!(user_agent().starts_with("berth/v"), "{}", user_agent());
}
