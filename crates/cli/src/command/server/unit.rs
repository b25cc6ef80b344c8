//! `windlass server unit`: a unit of systemd.

use crate::args::UnitArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;

pub(super) fn run(args: &UnitArgs, printer: &mut Printer) -> Outcome {
    let program = std::env::current_exe()
        .map_err(|error| Failure::usage("it is not known where this program lies").because(&error))?;
    printer.out(text(&program.display().to_string(), &args.config.display().to_string(), &args.user));
    Ok(Exit::Succeeded)
}

fn text(program: &str, config: &str, user: &str) -> String {
    format!(
        "\
# /etc/systemd/system/windlass-server.service, as `windlass server unit` prints it.
[Unit]
Description=Windlass server
Documentation=https://windlass.dev
Wants=network-online.target
After=network-online.target

[Service]
# It says itself when it is ready, that it is alive, and that it ends.
Type=notify
ExecStartPre={program} server config check {config}
ExecStart={program} server --config {config}
Environment=WINDLASS_DATA_DIR=%S/windlass
User={user}
StateDirectory=windlass
StateDirectoryMode=0700
WatchdogSec=60
# What cannot go on, such as a store that has stopped, ends with a message and is begun again. What makes no sense is not.
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2
# Time to bring what is under way to a place from which it goes on.
TimeoutStopSec=60
KillMode=mixed
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes

[Install]
WantedBy=multi-user.target
"
    )
}
