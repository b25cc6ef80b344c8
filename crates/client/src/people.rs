//! Passwords of people.

use hyper::Method;
use windlass_contract::{
    ComeFor, DeviceQuestion, DeviceSignIn, DeviceStands, NewPassword, Provided, SignedIn,
};

use crate::client::{Ask, Client, escaped};
use crate::error::Error;

impl Client {
    /// Gives a user a password; other sessions of theirs end.
    pub async fn set_password(&self, user: &str, password: &NewPassword) -> Result<(), Error> {
        let path = format!("/api/v1/users/{}/password", escaped(user));
        self.nothing(Ask::new(Method::PUT, path).body(password)).await
    }

    /// Takes the password of a user away, and ends their sessions.
    pub async fn remove_password(&self, user: &str) -> Result<(), Error> {
        self.nothing(Ask::new(Method::DELETE, format!("/api/v1/users/{}/password", escaped(user)))).await
    }

    /// How one signs in by the provider of identities.
    pub async fn provider(&self) -> Result<Provided, Error> {
        self.json(Ask::get("/api/v1/oidc")).await
    }

    /// The token that a browser signed in for.
    pub async fn come_for(&self, with: &ComeFor) -> Result<SignedIn, Error> {
        self.json(Ask::new(Method::POST, "/api/v1/oidc/token").body(with)).await
    }

    /// Begins a sign-in by a code that is typed into a browser elsewhere.
    pub async fn device_sign_in(&self) -> Result<DeviceSignIn, Error> {
        self.json(Ask::new(Method::POST, "/api/v1/oidc/device")).await
    }

    /// How that stands.
    pub async fn device_stands(&self, handle: &str) -> Result<DeviceStands, Error> {
        let question = DeviceQuestion { handle: handle.to_owned() };
        self.json(Ask::new(Method::POST, "/api/v1/oidc/device/token").body(&question)).await
    }
}
