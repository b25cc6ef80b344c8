//! Passwords of people.

use hyper::Method;
use windlass_contract::NewPassword;

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
}
