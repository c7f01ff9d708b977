"""Holds the stand-in servers to what the other tests build on: closed doors, external ids, buckets that take files.

Run by `make test`: .venv/bin/python -m unittest discover tests/tools
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import aws_accounts
import boto3
import botocore.config
import botocore.exceptions
import testservers

EXTERNAL_ID = "an-external-id"
BUCKET = "films"


def policy() -> str:
    """What an integration needs, no more."""
    bucket = f"arn:aws:s3:::{BUCKET}"
    statements = [
        {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetBucketLocation"], "Resource": bucket},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": bucket + "/*"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def trust(user_arn: str, external_id: str) -> str:
    """The platform's user may take the role, with the external id."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": user_arn},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class MinistackTest(unittest.TestCase):
    """Two accounts, one role."""

    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        server = self.enterContext(testservers.Ministack(pathlib.Path(folder)))
        self.accounts = aws_accounts.create(server.endpoint, BUCKET)
        self.user_arn = self.accounts["platform"]["user_arn"]

    def test_the_role_is_for_the_platform_with_the_external_id(self) -> None:
        made = aws_accounts.apply(self.accounts, policy(), trust(self.user_arn, EXTERNAL_ID))
        self.assertEqual(made["role_arn"], "arn:aws:iam::123456789012:role/TelecineIntegrationRole")
        results = aws_accounts.check(self.accounts, EXTERNAL_ID)
        self.assertEqual(len(results), 5)
        self.assertTrue(all(results.values()), results)

    def test_another_user_of_the_platform_is_refused(self) -> None:
        aws_accounts.apply(self.accounts, policy(), trust(self.user_arn, EXTERNAL_ID))
        allow = {"Action": "sts:AssumeRole", "Resource": "*"}
        mallory = aws_accounts._user(self.accounts, aws_accounts.PLATFORM_ACCOUNT, "mallory", allow)
        self.assertIsNone(aws_accounts.assume(self.accounts, EXTERNAL_ID, mallory))

    def test_documents_can_be_replaced_and_taken_away(self) -> None:
        aws_accounts.apply(self.accounts, policy(), trust(self.user_arn, EXTERNAL_ID))
        aws_accounts.apply(self.accounts, policy(), trust(self.user_arn, "another-id"))
        self.assertIsNone(aws_accounts.assume(self.accounts, EXTERNAL_ID))
        self.assertIsNotNone(aws_accounts.assume(self.accounts, "another-id"))
        aws_accounts.remove(self.accounts)
        self.assertIsNone(aws_accounts.assume(self.accounts, "another-id"))

    def test_files_arrive_under_their_names(self) -> None:
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "deep").mkdir()
        (folder / "deep" / "a b.mp4").write_bytes(b"film")
        self.assertEqual(aws_accounts.upload(self.accounts, folder, "in/"), ["in/deep/a b.mp4"])
        s3 = aws_accounts.client(self.accounts, "s3", self.accounts["customer"])
        answer = s3.get_object(Bucket=BUCKET, Key="in/deep/a b.mp4")
        self.assertEqual((answer["Body"].read(), answer["ContentType"]), (b"film", "video/mp4"))


class SeaweedFsTest(unittest.TestCase):
    """A store with one key."""

    def test_it_takes_files_in_more_buckets_than_its_defaults_allow(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        server = self.enterContext(testservers.SeaweedFs(pathlib.Path(folder)))
        facts = server.facts()
        s3 = boto3.client(
            "s3",
            endpoint_url=facts["endpoint"],
            region_name="us-east-1",
            aws_access_key_id=facts["access_key_id"],
            aws_secret_access_key=facts["secret_access_key"],
            config=botocore.config.Config(s3={"addressing_style": "path"}, proxies={}),
        )
        for name in ("one", "two", "three"):
            s3.create_bucket(Bucket=name)
            s3.put_object(Bucket=name, Key="key", Body=name.encode())
            self.assertEqual(s3.get_object(Bucket=name, Key="key")["Body"].read(), name.encode())


class CephTest(unittest.TestCase):
    """Accounts that are tenants; roles, of which it does not know all that AWS knows."""

    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.facts = self.enterContext(testservers.Ceph(pathlib.Path(folder))).facts()

    def client(self, service: str, user: str | None, keys: dict[str, str] | None = None):
        """A client of a service, as one of the users or with a session's keys."""
        if user is not None:
            keys = {name: self.facts[f"{user}_{name}"] for name in ("access_key_id", "secret_access_key")}
        return boto3.client(
            service,
            endpoint_url=self.facts["endpoint"],
            region_name="us-east-1",
            config=botocore.config.Config(s3={"addressing_style": "path"}, proxies={}, retries={"max_attempts": 1}),
            **{f"aws_{name}": value for name, value in keys.items()},
        )

    def role(self, name: str, condition: dict | None) -> str:
        """A role of the customer's that names the platform."""
        document = json.loads(trust("arn:aws:iam::999999999999:user/platform", EXTERNAL_ID))
        del document["Statement"][0]["Condition"]
        if condition:
            document["Statement"][0]["Condition"] = condition

        # A space would come as a plus sign, which it does not decode.
        def compact(value: dict) -> str:
            return json.dumps(value, separators=(",", ":"))

        iam = self.client("iam", "customer")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=compact(document))
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=compact(json.loads(policy())))
        return f"arn:aws:iam::123456789012:role/{name}"

    def test_roles_work_but_external_ids_are_not_known(self) -> None:
        s3 = self.client("s3", "customer")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="key", Body=b"film")
        with self.assertRaises(botocore.exceptions.ClientError):
            self.client("s3", "stranger").get_object(Bucket=BUCKET, Key="key")

        open_role = self.role("Open", None)
        sts = self.client("sts", "platform")
        for external_id in ({}, {"ExternalId": EXTERNAL_ID}, {"ExternalId": "wrong"}):
            taken = sts.assume_role(RoleArn=open_role, RoleSessionName="session", **external_id)["Credentials"]
        session = {"access_key_id": taken["AccessKeyId"], "secret_access_key": taken["SecretAccessKey"]}
        as_role = self.client("s3", None, session | {"session_token": taken["SessionToken"]})
        self.assertEqual(as_role.get_object(Bucket=BUCKET, Key="key")["Body"].read(), b"film")
        with self.assertRaises(botocore.exceptions.ClientError):
            as_role.delete_object(Bucket=BUCKET, Key="key")
        with self.assertRaises(botocore.exceptions.ClientError):
            self.client("sts", "stranger").assume_role(RoleArn=open_role, RoleSessionName="session")

        closed = self.role("Closed", {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}})
        with self.assertRaises(botocore.exceptions.ClientError):
            sts.assume_role(RoleArn=closed, RoleSessionName="session", ExternalId=EXTERNAL_ID)


class StandInsTest(unittest.TestCase):
    """Those that speak like Google's and Azure's."""

    def test_azurite_lets_nobody_in_without_a_key_and_fake_gcs_everybody(self) -> None:
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        azurite = self.enterContext(testservers.Azurite(folder))
        self.assertEqual(testservers.status(azurite.endpoint + "/films?restype=container&comp=list"), 403)
        gcs = self.enterContext(testservers.FakeGcs(folder))
        self.assertEqual(testservers.status(gcs.endpoint + "/storage/v1/b?project=any"), 200)


class CommandLineTest(unittest.TestCase):
    """Servers left running by `start`."""

    def test_start_is_idempotent_and_stop_stops(self) -> None:
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.addCleanup(testservers.stop, folder)
        first = testservers.start(["ministack"], folder, None)
        self.assertEqual(testservers.start(["ministack"], folder, None), first)
        self.assertEqual(testservers.stop(folder), ["ministack"])
        self.assertEqual(testservers.stop(folder), [])
        self.assertIsNone(testservers.status(first["ministack"]["endpoint"]))


class EnginesTest(unittest.TestCase):
    """What many machines share."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def sql(self, server: testservers.Postgres, statement: str) -> str:
        psql = pathlib.Path(server.program("postgres")).with_name("psql")
        said = subprocess.run([psql, server.endpoint, "-XAtc", statement], check=True, capture_output=True)
        return said.stdout.decode().strip()

    def test_postgresql_knows_vectors_and_keeps_its_data(self) -> None:
        with testservers.Postgres(self.folder) as server:
            self.sql(server, "CREATE EXTENSION vector; CREATE TABLE kept (v halfvec(2)); INSERT INTO kept VALUES ('[3,4]')")
        with testservers.Postgres(self.folder) as server:
            self.assertEqual(self.sql(server, "SELECT l2_norm(v) FROM kept"), "5")

    def test_postgresql_asks_for_the_password(self) -> None:
        with testservers.PostgresFast(self.folder) as server:
            server.password = "wrong"
            with self.assertRaises(subprocess.CalledProcessError):
                self.sql(server, "SELECT 1")

    def test_nats_has_jetstream_that_syncs_always(self) -> None:
        with testservers.Nats(self.folder) as server:
            self.assertIn('"jetstream":true', server.greeting())
            self.assertIn("sync_interval: always", (server.folder / "nats.conf").read_text())


if __name__ == "__main__":
    unittest.main()
