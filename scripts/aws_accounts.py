#!/usr/bin/env python3
"""Owns the two AWS accounts of the demo and the tests on a ministack server: the platform's and a customer's.

    aws_accounts.py create --endpoint URL --bucket NAME > accounts.json      users, keys and the customer's bucket
    aws_accounts.py upload --accounts accounts.json FOLDER                   files into the customer's bucket
    aws_accounts.py apply  --accounts accounts.json --policy p.json --trust t.json   the customer does as told
    aws_accounts.py queue  --accounts accounts.json --name changes           a queue in the customer's account
    aws_accounts.py notify --accounts accounts.json --url URL --policy p.json --notification n.json
                                                                             the bucket tells it its changes
    aws_accounts.py check  --accounts accounts.json --external-id ID         who may take the role, and who not

The policy and trust documents are taken byte by byte as Telecine handed them out: nothing here may mend them. All
commands print JSON. On ministack an access key of twelve digits is the account of that number; it is used once, to
make users whose real keys are held to signatures and policies from then on.
"""

import argparse
import json
import mimetypes
import pathlib
import sys
import urllib.error
import urllib.request
from typing import Any

import boto3
import botocore.config
import botocore.exceptions

PLATFORM_ACCOUNT = "999999999999"
CUSTOMER_ACCOUNT = "123456789012"
REGION = "us-west-2"
POLICY_NAME = "TelecineIntegrationPolicy"
ROLE_NAME = "TelecineIntegrationRole"

Accounts = dict[str, Any]


def client(accounts: Accounts, service: str, key: dict[str, str]) -> Any:
    """A boto3 client with the key (`access_key_id`, `secret_access_key`, perhaps `session_token`)."""
    return boto3.client(
        service,
        endpoint_url=accounts["endpoint"],
        region_name=accounts["region"],
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
        aws_session_token=key.get("session_token"),
        config=botocore.config.Config(s3={"addressing_style": "path"}, proxies={}, retries={"total_max_attempts": 2}),
    )


def create(endpoint: str, bucket: str, region: str = REGION) -> Accounts:
    """Makes both accounts' users and the customer's bucket; gives everything that clients need to know."""
    accounts: Accounts = {"endpoint": endpoint, "region": region}
    accounts["platform"] = _user(
        accounts,
        PLATFORM_ACCOUNT,
        "telecine",
        {"Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/*"},
    )
    accounts["customer"] = _user(accounts, CUSTOMER_ACCOUNT, "admin", {"Action": "*", "Resource": "*"})
    accounts["customer"]["bucket"] = bucket
    place = {"LocationConstraint": region}
    client(accounts, "s3", accounts["customer"]).create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    _assert_guarded(accounts)
    return accounts


def _user(accounts: Accounts, account_id: str, name: str, allow: dict[str, str]) -> dict[str, str]:
    iam = client(accounts, "iam", {"access_key_id": account_id, "secret_access_key": "root"})
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **allow}]}
    iam.put_user_policy(UserName=name, PolicyName="demo", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {
        "account_id": account_id,
        "user_arn": arn,
        "access_key_id": key["AccessKeyId"],
        "secret_access_key": key["SecretAccessKey"],
    }


def _assert_guarded(accounts: Accounts) -> None:
    """Fails unless the bucket is closed to the nameless and to the platform, which only the role lets in."""
    url = f"{accounts['endpoint']}/{accounts['customer']['bucket']}?list-type=2"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as response:
            status = response.status
    except urllib.error.HTTPError as error:
        status = error.code
    if status != 403:
        raise SystemExit(f"an unsigned list of the bucket is answered with {status} instead of 403")
    try:
        client(accounts, "s3", accounts["platform"]).list_objects_v2(Bucket=accounts["customer"]["bucket"])
    except botocore.exceptions.ClientError:
        return
    raise SystemExit("the platform may list the customer's bucket without the role: policies are not enforced")


def upload(accounts: Accounts, folder: pathlib.Path, prefix: str = "") -> list[str]:
    """Puts the folder's files into the customer's bucket; gives their keys."""
    s3 = client(accounts, "s3", accounts["customer"])
    keys = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        key = prefix + file.relative_to(folder).as_posix()
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        s3.upload_file(str(file), accounts["customer"]["bucket"], key, ExtraArgs={"ContentType": kind})
        keys.append(key)
    return keys


def apply(
    accounts: Accounts,
    policy: str,
    trust: str,
    policy_name: str = POLICY_NAME,
    role_name: str = ROLE_NAME,
) -> dict[str, str]:
    """Creates (or renews) policy and role in the customer's account with these very documents; gives their ARNs."""
    iam = client(accounts, "iam", accounts["customer"])
    policy_arn = f"arn:aws:iam::{accounts['customer']['account_id']}:policy/{policy_name}"
    try:
        iam.create_policy(PolicyName=policy_name, PolicyDocument=policy)
    except iam.exceptions.EntityAlreadyExistsException:
        iam.create_policy_version(PolicyArn=policy_arn, PolicyDocument=policy, SetAsDefault=True)
        _drop_old_versions(iam, policy_arn)
    try:
        iam.create_role(RoleName=role_name, AssumeRolePolicyDocument=trust)
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=trust)
    iam.attach_role_policy(RoleName=role_name, PolicyArn=policy_arn)
    role_arn = iam.get_role(RoleName=role_name)["Role"]["Arn"]
    return {"policy_arn": policy_arn, "role_arn": role_arn}


def _drop_old_versions(iam: Any, policy_arn: str) -> None:
    """AWS keeps five versions of a policy at most."""
    for version in iam.list_policy_versions(PolicyArn=policy_arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=policy_arn, VersionId=version["VersionId"])


def queue(accounts: Accounts, name: str) -> dict[str, str]:
    """Makes a queue in the customer's account; gives its URL."""
    sqs = client(accounts, "sqs", accounts["customer"])
    # A message that is not deleted comes again soon.
    return {"url": sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "1"})["QueueUrl"]}


def notify(accounts: Accounts, url: str, policy: str, notification: str) -> dict[str, str]:
    """The customer lets the bucket tell its changes to the queue, with these very documents."""
    sqs = client(accounts, "sqs", accounts["customer"])
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    bucket = accounts["customer"]["bucket"]
    client(accounts, "s3", accounts["customer"]).put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration=json.loads(notification)
    )
    return {"bucket": bucket, "url": url}


def send(accounts: Accounts, url: str, body: str) -> dict[str, str]:
    """Somebody puts a message into the queue."""
    sqs = client(accounts, "sqs", accounts["customer"])
    return {"id": sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"]}


def waiting(accounts: Accounts, url: str) -> dict[str, int]:
    """How many messages the queue has, those that are hidden too."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs = client(accounts, "sqs", accounts["customer"])
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return {"messages": sum(int(told[name]) for name in names)}


def remove(accounts: Accounts, policy_name: str = POLICY_NAME, role_name: str = ROLE_NAME) -> None:
    """Takes role and policy away again."""
    iam = client(accounts, "iam", accounts["customer"])
    policy_arn = f"arn:aws:iam::{accounts['customer']['account_id']}:policy/{policy_name}"
    iam.detach_role_policy(RoleName=role_name, PolicyArn=policy_arn)
    iam.delete_role(RoleName=role_name)
    iam.delete_policy(PolicyArn=policy_arn)


def assume(accounts: Accounts, external_id: str | None, key: dict[str, str] | None = None) -> dict[str, str] | None:
    """The platform (or another key's owner) takes the role: a session's key, or nothing where it is refused."""
    sts = client(accounts, "sts", key or accounts["platform"])
    request = {
        "RoleArn": f"arn:aws:iam::{accounts['customer']['account_id']}:role/{ROLE_NAME}",
        "RoleSessionName": "check",
    }
    if external_id is not None:
        request["ExternalId"] = external_id
    try:
        session = sts.assume_role(**request)["Credentials"]
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "AccessDenied":
            return None
        raise
    return {
        "access_key_id": session["AccessKeyId"],
        "secret_access_key": session["SecretAccessKey"],
        "session_token": session["SessionToken"],
    }


def check(accounts: Accounts, external_id: str) -> dict[str, bool]:
    """Tries what must work and what must not; each value says whether it went as it must."""
    session = assume(accounts, external_id)
    results = {
        "right_external_id_is_taken": session is not None,
        "no_external_id_is_refused": assume(accounts, None) is None,
        "wrong_external_id_is_refused": assume(accounts, external_id[::-1] + "x") is None,
    }
    if session is not None:
        s3 = client(accounts, "s3", session)
        bucket = accounts["customer"]["bucket"]
        results["session_lists_the_bucket"] = _allowed(s3.list_objects_v2, Bucket=bucket)
        results["session_cannot_write"] = not _allowed(s3.put_object, Bucket=bucket, Key="no", Body=b"")
    return results


def _allowed(call: Any, **arguments: Any) -> bool:
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 403:
            return False
        raise
    return True


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="action", required=True)
    creating = commands.add_parser("create")
    creating.add_argument("--endpoint", required=True)
    creating.add_argument("--bucket", required=True)
    creating.add_argument("--region", default=REGION)
    uploading = commands.add_parser("upload")
    uploading.add_argument("folder", type=pathlib.Path)
    uploading.add_argument("--prefix", default="")
    applying = commands.add_parser("apply")
    applying.add_argument("--policy", type=pathlib.Path, required=True, help="the policy document, a JSON file")
    applying.add_argument("--trust", type=pathlib.Path, required=True, help="the role's trust document, a JSON file")
    applying.add_argument("--policy-name", default=POLICY_NAME)
    applying.add_argument("--role-name", default=ROLE_NAME)
    checking = commands.add_parser("check")
    checking.add_argument("--external-id", required=True)
    queueing = commands.add_parser("queue")
    queueing.add_argument("--name", required=True)
    notifying = commands.add_parser("notify")
    notifying.add_argument("--policy", type=pathlib.Path, required=True, help="the queue's policy, a JSON file")
    notifying.add_argument("--notification", type=pathlib.Path, required=True, help="what the bucket tells, a JSON file")
    sending = commands.add_parser("send")
    sending.add_argument("--body", required=True)
    counting = commands.add_parser("waiting")
    for command in (notifying, sending, counting):
        command.add_argument("--url", required=True)
    for command in (uploading, applying, checking, queueing, notifying, sending, counting):
        command.add_argument("--accounts", type=pathlib.Path, required=True, help="what `create` printed")
    arguments = parser.parse_args()

    if arguments.action == "create":
        print(json.dumps(create(arguments.endpoint, arguments.bucket, arguments.region), indent=2))
        return 0
    accounts = json.loads(arguments.accounts.read_text())
    match arguments.action:
        case "upload":
            print(json.dumps({"keys": upload(accounts, arguments.folder, arguments.prefix)}))
        case "apply":
            policy, trust = arguments.policy.read_text(), arguments.trust.read_text()
            print(json.dumps(apply(accounts, policy, trust, arguments.policy_name, arguments.role_name)))
        case "queue":
            print(json.dumps(queue(accounts, arguments.name)))
        case "notify":
            policy, notification = arguments.policy.read_text(), arguments.notification.read_text()
            print(json.dumps(notify(accounts, arguments.url, policy, notification)))
        case "send":
            print(json.dumps(send(accounts, arguments.url, arguments.body)))
        case "waiting":
            print(json.dumps(waiting(accounts, arguments.url)))
        case "check":
            results = check(accounts, arguments.external_id)
            print(json.dumps(results))
            return 0 if all(results.values()) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
