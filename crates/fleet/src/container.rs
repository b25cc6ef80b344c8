//! What a container runtime says when it runs nothing, in our words: what is wrong, and what to do.
//!
//! The texts are those of Docker, and of Podman where it has its own.

use windlass_plugin::CallError;

/// A container on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    /// What it is called.
    pub(crate) name: String,
    /// By what it is reached: `docker`, or a program that is called like it.
    pub(crate) runtime: String,
}

// === impl Container ===

impl Container {
    /// Why nothing can be run in it, for the sake of a node; `None` where it is not the runtime that says so.
    pub(crate) fn explain(&self, node: &str, said: &str) -> Option<CallError> {
        let Self { name, runtime } = self;
        let text = said.to_lowercase();
        let is = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
        let later =
            |why: String| CallError::retryable("transport", format!("`{node}` cannot be reached: {why}"));
        let never =
            |why: String| CallError::permanent("transport", format!("`{node}` cannot be reached: {why}"));
        let mut error = if is(&["no such container", "no container with name or id"]) {
            never(format!(
                "there is no container `{name}`; `{runtime} ps --all` lists those that there are, and \
                           `container: {{name: ...}}` of the node says which one it is"
            ))
        } else if is(&["is paused"]) {
            later(format!("the container `{name}` is paused; go on with it by `{runtime} unpause {name}`"))
        } else if is(&["is restarting"]) {
            later(format!("the container `{name}` restarts; see why in `{runtime} logs {name}`"))
        } else if is(&["is not running", "container state improper"]) {
            later(format!("the container `{name}` does not run; start it by `{runtime} start {name}`"))
        } else if is(&["cannot connect to the docker daemon", "cannot connect to podman"]) {
            later(format!(
                "the daemon of `{runtime}` does not answer; start it, or say where it is in $DOCKER_HOST"
            ))
        } else if is(&["permission denied while trying to connect"]) {
            never(format!(
                "who runs this may not use `{runtime}`; its socket belongs to a group, mostly `docker`"
            ))
        } else if is(&["unable to find user", "no matching entries in passwd file"]) {
            never(format!("the container `{name}` does not know the user of `become`"))
        } else if is(&[
            "\"/bin/sh\": stat",
            "\"/bin/sh\": no such file",
            "executable file `/bin/sh` not found",
        ]) {
            let why = format!(
                "`{node}`: the container `{name}` has no `/bin/sh`, and without a shell nothing can be done in it; take an image that \
                 has one, or act on the container from its host"
            );
            CallError::permanent("shell", why)
        } else {
            return None;
        };
        error.causes.push(format!("`{runtime}` said: {said}"));
        Some(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_and_podman_say_is_told_with_what_to_do() {
        let container = Container { name: "web-1".into(), runtime: "docker".into() };
        for (said, code, permanent, words) in [
            (
                "Error response from daemon: Container 24cb is not running (exit code 1)",
                "transport",
                false,
                "docker start web-1",
            ),
            (
                "Error: can only create exec sessions on running containers: container state improper",
                "transport",
                false,
                "does not run",
            ),
            (
                "Error response from daemon: Container web-1 is paused, unpause the container before exec",
                "transport",
                false,
                "docker unpause web-1",
            ),
            (
                "Error response from daemon: Container 24cb is restarting, wait until the container is running",
                "transport",
                false,
                "docker logs web-1",
            ),
            (
                "Error response from daemon: No such container: web-1 (exit code 1)",
                "transport",
                true,
                "docker ps --all",
            ),
            (
                "Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon running?",
                "transport",
                false,
                "$DOCKER_HOST",
            ),
            (
                "permission denied while trying to connect to the Docker daemon socket",
                "transport",
                true,
                "`docker`",
            ),
            (
                "unable to find user app: no matching entries in passwd file (exit code 126)",
                "transport",
                true,
                "the user of `become`",
            ),
            (
                "OCI runtime exec failed: exec failed: unable to start container process: exec: \"/bin/sh\": stat /bin/sh: no such file or directory: unknown",
                "shell",
                true,
                "has no `/bin/sh`",
            ),
        ] {
            let error = container.explain("web01", said).unwrap();
            assert_eq!((error.code.as_str(), error.permanent), (code, permanent), "{error}");
            assert!(error.message.starts_with("`web01`") && error.message.contains(words), "{error}");
            assert!(error.to_string().contains(said), "{error}");
        }
        assert!(container.explain("web01", "sh: syntax error").is_none());
    }
}
