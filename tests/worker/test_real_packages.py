"""Packages of every shape that authors use, as links into the store, outside and in a sandbox."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.bubblewrap import View
from worker.environments import BuildOptions, Environment, Environments
from worker.interpreter_folders import interpreter_folders
from worker.requirements import read_base_requirements
from worker.sandbox import Sandbox

REPOSITORY = Path(__file__).parents[2]
PACKAGES = (
    *("boto3", "google-cloud-storage", "azure-identity", "azure-storage-blob"),
    *("lxml", "numpy", "zope.interface", "zope.event", "setuptools"),
)
# The last ones that come with `-nspkg.pth` files instead of namespaces of Python's own.
LEGACY = ("zope.interface==6.4", "zope.event==5.0")
USES = {
    "boto3": """
import boto3, botocore.httpsession
keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
client = boto3.client("s3", region_name="eu-west-1", **keys)
url = client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
assert "/k?" in url, url
""",
    "google": """
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.api import annotations_pb2
from google.protobuf import struct_pb2
import google
bucket = storage.Client(project="p", credentials=AnonymousCredentials()).bucket("b")
assert bucket.blob("x").path == "/b/b/o/x"
assert len(list(google.__path__)) == 1
""",
    "azure": """
from azure.core.pipeline import Pipeline
from azure.identity import ClientSecretCredential
from azure.storage.blob import BlobClient
import azure
blob = BlobClient("https://account.example.invalid", "container", "blob")
assert blob.url.endswith("/container/blob")
assert ClientSecretCredential("tenant-id", "client", "secret")
assert len(list(azure.__path__)) == 1
""",
    "lxml": """
from lxml import etree, html
assert etree.tostring(etree.XML("<a><b/></a>").find("b")) == b"<b/>"
assert html.fromstring("<p>x").text == "x"
""",
    "numpy": """
import numpy, numpy.testing
assert numpy.linalg.inv(numpy.eye(2) * 2)[0, 0] == 0.5
assert numpy.fft.fft([1, 0]).real.sum() == 2
""",
    "zope": """
import zope.event
from zope.interface import Interface, implementer
from zope.interface._zope_interface_coptimizations import InterfaceBase
class Named(Interface): pass
@implementer(Named)
class Thing: pass
assert Named.providedBy(Thing())
""",
    "path files": """
import distutils, sys
assert "setuptools" in distutils.__file__
""",
    "metadata and resources": """
import importlib.metadata, importlib.resources, os, certifi
for name in ("boto3", "zope.interface", "google-cloud-storage", "azure-identity", "numpy"):
    found = importlib.metadata.distribution(name)
    assert found.files and all(file.locate().exists() for file in found.files), name
names = {it.name for it in importlib.metadata.entry_points(group="console_scripts")}
assert {"httpx", "jsonschema", "f2py"} <= names
assert (importlib.resources.files("botocore") / "data" / "endpoints.json").stat().st_size
assert os.path.getsize(certifi.where())
""",
}

Run = Callable[[Environment, str], None]


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory, package_cache: Path) -> Environments:
    options = BuildOptions(environ=os.environ, cache=package_cache)
    directory = tmp_path_factory.mktemp("real") / "environments"
    return Environments(directory, read_base_requirements(), REPOSITORY / "utils", options)


@pytest.fixture(scope="module")
def everything(environments: Environments) -> Environment:
    return environments.build("everything", PACKAGES)


@pytest.fixture(scope="module", params=["outside", "sandbox"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run code in an environment, outside or with sight of it and the store alone."""
    sandbox = Sandbox.find() if request.param == "sandbox" else None

    def run_code(environment: Environment, code: str) -> None:
        argv: tuple[str, ...] = (str(environment.python), "-I", "-B", "-c", code)
        if sandbox is not None:
            readable = (*interpreter_folders(environment.python), environment.path)
            hidden = (environment.store.parent,)
            view = View((*readable, environment.store), (), hidden)
            argv = sandbox.around(argv, view, Path("/"))
        end = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=60, env={"LANG": "C.UTF-8"}
        )
        assert end.returncode == 0, end.stderr

    return run_code


@pytest.mark.parametrize("package", USES)
def test_a_package_works(run: Run, everything: Environment, package: str) -> None:
    run(everything, USES[package])


def test_namespaces_of_path_files_work(run: Run, environments: Environments) -> None:
    legacy = environments.build("legacy", LEGACY)
    assert len(list(legacy.path.glob("lib/*/site-packages/zope.*-nspkg.pth"))) == 2
    run(legacy, USES["zope"])


def test_scripts_work(everything: Environment) -> None:
    for script in ("f2py", "jsonschema", "normalizer"):
        subprocess.run(
            [everything.path / "bin" / script, "-h"], check=True, capture_output=True, timeout=60
        )
