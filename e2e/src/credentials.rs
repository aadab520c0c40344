//! Keys, certificates, tokens and kubeconfig files of one control plane.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// The administrator's line in the file of tokens, behind the token: user, uid, groups.
const ADMIN: &str = ",admin,admin,\"system:masters\"";

/// The files kube-apiserver and its clients are given. Made anew for every control plane.
#[derive(Debug)]
pub struct Credentials {
    dir: PathBuf,
}

impl Credentials {
    /// Writes a CA, a serving certificate for 127.0.0.1, a key that signs ServiceAccount tokens,
    /// and the token file with an administrator and the user kube-scheduler is.
    pub fn create(dir: &Path, url: &str) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let credentials = Self { dir: dir.to_owned() };
        let mut ca_params = CertificateParams::default();
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Go looks issuers up by name: the CA's must differ from the serving certificate's.
        ca_params.distinguished_name.push(DnType::CommonName, "berth-e2e-ca");
        let ca = CertifiedIssuer::self_signed(ca_params, KeyPair::generate()?)?;
        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
        let serving_key = KeyPair::generate()?;
        let serving = CertificateParams::new(names)?.signed_by(&serving_key, &ca)?;
        fs::write(credentials.ca(), ca.pem())?;
        fs::write(credentials.serving_certificate(), serving.pem())?;
        fs::write(credentials.serving_key(), serving_key.serialize_pem())?;
        let signing_key = KeyPair::generate()?;
        fs::write(credentials.token_key(), signing_key.serialize_pem())?;
        fs::write(credentials.token_public_key(), signing_key.public_key_pem())?;
        let (admin, peer) = (random_token()?, random_token()?);
        let tokens = format!("{admin}{ADMIN}\n{peer},system:kube-scheduler,peer\n");
        fs::write(credentials.tokens(), tokens)?;
        credentials.write_kubeconfig(&credentials.admin(), url, "admin", &admin)?;
        credentials.write_kubeconfig(&credentials.kube_scheduler(), url, "peer", &peer)?;
        Ok(credentials)
    }

    /// The certificate of the CA.
    pub fn ca(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    /// kube-apiserver's certificate.
    pub fn serving_certificate(&self) -> PathBuf {
        self.dir.join("apiserver.crt")
    }

    /// kube-apiserver's key.
    pub fn serving_key(&self) -> PathBuf {
        self.dir.join("apiserver.key")
    }

    /// The key that signs ServiceAccount tokens.
    pub fn token_key(&self) -> PathBuf {
        self.dir.join("sa.key")
    }

    /// The key that checks ServiceAccount tokens.
    pub fn token_public_key(&self) -> PathBuf {
        self.dir.join("sa.pub")
    }

    /// kube-apiserver's file of static tokens.
    pub fn tokens(&self) -> PathBuf {
        self.dir.join("tokens.csv")
    }

    /// The administrator's token, for who writes requests by hand.
    pub fn admin_token(&self) -> Result<String> {
        let path = self.tokens();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let token = text.lines().find_map(|line| line.strip_suffix(ADMIN));
        Ok(token.context("no token of the administrator")?.to_owned())
    }

    /// The administrator's kubeconfig.
    pub fn admin(&self) -> PathBuf {
        self.dir.join("admin.kubeconfig")
    }

    /// The kubeconfig of `system:kube-scheduler`, with the rights kube-scheduler has everywhere.
    pub fn kube_scheduler(&self) -> PathBuf {
        self.dir.join("kube-scheduler.kubeconfig")
    }

    /// Writes a kubeconfig for one bearer token.
    pub fn write_kubeconfig(&self, path: &Path, url: &str, user: &str, token: &str) -> Result<()> {
        let ca = self.ca();
        let ca = ca.display();
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: e2e\nclusters:\n- name: e2e\n  \
             cluster: {{server: \"{url}\", certificate-authority: \"{ca}\"}}\n\
             contexts: [{{name: e2e, context: {{cluster: e2e, user: \"{user}\"}}}}]\n\
             users: [{{name: \"{user}\", user: {{token: \"{token}\"}}}}]\n"
        );
        fs::write(path, text).with_context(|| path.display().to_string())
    }
}

/// A client for a kubeconfig.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    Ok(Client::try_from(config(kubeconfig).await?)?)
}

/// What a kubeconfig says.
pub async fn config(kubeconfig: &Path) -> Result<Config> {
    let file = Kubeconfig::read_from(kubeconfig)?;
    Ok(Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?)
}

/// 128 random bits in hex.
fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
