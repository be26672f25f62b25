# Distributed under the Boost Software License, Version 1.0.
# SPDX-License-Identifier: BSL-1.0
"""Runs a test program on a kernel that has kernel TLS: Debian's own, in QEMU, for a minute.

guest.py boot DIRECTORY PROGRAM[,FURTHER]... CASE...   runs each case by itself in one guest, keeps what it said
guest.py result DIRECTORY CASE                         says it again, and ends as the case did

The cases find further programs in /bin, and strace if it is here.

The kernel's package is downloaded into DIRECTORY and unpacked there; nothing is installed, and
nothing here needs root. Ends with 77 where QEMU or the kernel can't be had, having said why.
"""

import lzma
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
PATIENCE = 200  # seconds for the whole guest; ctest and the init of the guest have theirs
HERE = pathlib.Path(__file__).parent

# What the kernel would load by itself, were there a modprobe: the upper layer protocol, and the
# ciphers it offers. What they depend on is added; a name this kernel has not is passed over.
MODULES = ["aesni-intel", "ctr", "ghash-generic", "gcm", "ccm", "chacha_generic", "chacha",
           "poly1305_generic", "chacha20poly1305", "tls"]

# The test is functional, so emulation is enough, and works where there is no /dev/kvm.
QEMU = ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", "max,-la57", "-smp", "1", "-m", "768",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]


class Unavailable(Exception):
    """Why there can be no guest here."""


def output_of(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Unavailable(f"{command[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def download(folder, *more_options):
    """The packages, unpacked below `folder`."""
    # As root, apt would use another user, who can't write here.
    apt_options = ["-o", "APT::Sandbox::User=root", *more_options]

    def needed_by(package, kinds):
        return re.findall(rf"Depends: (linux-(?:{kinds})-\S+)",
                          output_of("apt-cache", *apt_options, "depends", package))

    kernel = needed_by("linux-image-cloud-amd64", "image")
    if not kernel:
        raise Unavailable("apt knows no kernel package")
    # From Debian 14 on it is one of several.
    kernel += needed_by(kernel[0], "binary|modules")
    output_of("apt-get", *apt_options, "download", *kernel, "busybox-static", cwd=folder)
    for package in folder.glob("*.deb"):
        output_of("dpkg-deb", "--extract", str(package), str(folder))


def unpack_packages(folder):
    try:
        return download(folder)
    except Unavailable as problem:
        reason = problem
    # The lists of this machine may be empty or out of date. Lists of our own need no root.
    lists = folder / "apt"
    (lists / "lists" / "partial").mkdir(parents=True)
    options = ["-o", f"Dir::State::Lists={lists / 'lists'}", "-o", f"Dir::Cache={lists}"]
    try:
        output_of("apt-get", "-o", "APT::Sandbox::User=root", *options, "update")
        download(folder, *options)
    except Unavailable:
        raise reason from None


def insertion_order(folder):
    """The files of MODULES and of all they depend on, each after those it depends on."""
    found = {}
    for path in folder.glob("**/lib/modules/*/kernel/**/*.ko*"):
        found[path.name.partition(".")[0].replace("-", "_")] = path
    order = {}

    def insert(name):
        name = name.replace("-", "_")
        if name in order or name not in found:
            return
        content = found[name].read_bytes()
        if found[name].suffix == ".xz":
            content = lzma.decompress(content)
        for needed in re.search(rb"\0depends=([^\0]*)", content)[1].decode().split(","):
            insert(needed)
        order[name] = content

    for wanted in MODULES:
        insert(wanted)
    return order


def kernel_in(directory):
    """The folder with vmlinuz, busybox and modules, made once for each build folder."""
    ready = directory / "kernel"
    if ready.exists():
        return ready
    with tempfile.TemporaryDirectory(dir=directory) as name:
        folder = pathlib.Path(name)
        unpack_packages(folder)
        made = folder / "kernel"
        (made / "modules").mkdir(parents=True)
        kernels = [*folder.glob("boot/vmlinuz-*"), *folder.glob("usr/lib/modules/*/vmlinuz")]
        shutil.copy(kernels[0], made / "vmlinuz")
        shutil.copy(next(folder.glob("**/bin/busybox")), made / "busybox")
        for number, (module, content) in enumerate(insertion_order(folder).items()):
            (made / "modules" / f"{number:02}-{module}.ko").write_bytes(content)
        made.rename(ready)
    return ready


class Archive:
    """An initramfs: cpio's "newc" format, which the kernel takes uncompressed."""

    def __init__(self):
        self._parts = []
        self._folders = set()

    def _add(self, path, mode, content=b"", device=(0, 0)):
        name = path.encode() + b"\0"
        fields = [len(self._parts), mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name), 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts.append((header + name).ljust(-(-len(header + name) // 4) * 4, b"\0") +
                           content.ljust(-(-len(content) // 4) * 4, b"\0"))

    def folder(self, path):
        path = path.strip("/")
        if path in ("", ".") or path in self._folders:
            return
        self.folder(str(pathlib.PurePosixPath(path).parent))
        self._folders.add(path)
        self._add(path, 0o040755)

    def file(self, path, content):
        self.folder(str(pathlib.PurePosixPath(path).parent))
        self._add(path.strip("/"), 0o100755, content)

    def console(self):
        self.folder("dev")
        self._add("dev/console", 0o020600, device=(5, 1))

    def write(self, path):
        self._add("TRAILER!!!", 0)
        path.write_bytes(b"".join(self._parts))


def initramfs(path, kernel, programs, cases):
    archive = Archive()
    archive.console()
    for folder in ("proc", "sys", "tmp"):
        archive.folder(folder)
    archive.file("init", (HERE / "init.sh").read_bytes())
    archive.file("bin/busybox", (kernel / "busybox").read_bytes())
    for module in sorted((kernel / "modules").iterdir()):
        archive.file(f"modules/{module.name}", module.read_bytes())
    program, *further = programs.split(",")
    names = {program: "program", **{each: f"bin/{pathlib.Path(each).name}" for each in further}}
    if strace := shutil.which("strace"):
        names[strace] = "bin/strace"
    said = "".join(output_of("ldd", each) for each in names)
    for library in sorted(set(re.findall(r"(?:=> |^\s+)(/\S+)", said, re.MULTILINE))):
        archive.file(library, pathlib.Path(library).read_bytes())
    for each, name in names.items():
        with tempfile.NamedTemporaryFile(dir=path.parent) as stripped:
            output_of("strip", "-o", stripped.name, each)
            archive.file(name, pathlib.Path(stripped.name).read_bytes())
    archive.file("cases", "".join(f"{case}\n" for case in cases).encode())
    archive.write(path)


def run_guest(directory, programs, cases):
    if platform.machine() != "x86_64":
        raise Unavailable("the guest is only made for x86_64")
    for tool in (QEMU[0], "apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            raise Unavailable(f"there is no {tool}")
    kernel = kernel_in(directory)
    initramfs(directory / "initramfs", kernel, programs, cases)
    # setpriv: QEMU ends with this script even where ctest kills it.
    command = ["setpriv", "--pdeathsig", "KILL", *QEMU,
               "-kernel", str(kernel / "vmlinuz"), "-initrd", str(directory / "initramfs"),
               "-append", "console=ttyS0 quiet panic=-1 random.trust_cpu=on",
               "-serial", f"file:{directory / 'console'}",
               "-serial", f"file:{directory / 'results'}"]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=PATIENCE)


def boot(directory, programs, *cases):
    # An emulated kernel may stop before it comes to the cases: that says nothing about them.
    status = boot_once(directory, programs, *cases)
    return boot_once(directory, programs, *cases) if status == 1 else status


def boot_once(directory, programs, *cases):
    results = directory / "results"
    console = directory / "console"
    for stale in (results, console):
        stale.unlink(missing_ok=True)
    try:
        run_guest(directory, programs, cases)
    except Unavailable as reason:
        results.write_text(f"skipped: {reason}\n")
        print(f"skipped: {reason}")
        return SKIPPED
    except subprocess.SubprocessError as problem:
        print(problem)
    text = console.read_text(errors="replace") if console.exists() else ""
    print(text)
    # Cases that failed say so themselves.
    return 0 if re.search(r"^ran all cases", text, re.MULTILINE) else 1


def result(directory, case):
    path = directory / "results"
    text = path.read_text(errors="replace") if path.exists() else ""
    if text.startswith("skipped: "):
        print(text)
        return SKIPPED
    name = re.escape(case)
    said = re.search(rf"^begin {name}\n(.*?)(?:^end {name} (\d+)$|\Z)", text,
                     re.MULTILINE | re.DOTALL)
    if not said:
        print("the guest never came to this case")
        return 1
    print(said[1])
    if said[2] is None:
        print("the guest ended in this case")
        return 1
    return int(said[2])


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    sys.exit({"boot": boot, "result": result}[verb](pathlib.Path(folder), *rest))
