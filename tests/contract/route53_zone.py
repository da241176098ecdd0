"""Makes a user with a key and a zone in moto's Amazon, which from then on checks signatures; prints the key."""

import json
import os

import boto3
import botocore.exceptions

settings = {"endpoint_url": os.environ["STAND_IN"], "region_name": "us-east-1"}
anybody = {**settings, "aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
iam = boto3.client("iam", **anybody)
iam.create_user(UserName="vent")
key = iam.create_access_key(UserName="vent")["AccessKey"]
allowed = [
    "route53:ListHostedZonesByName",
    "route53:ListHostedZones",
    "route53:GetHostedZone",
    "route53:CreateHostedZone",
    "route53:ListResourceRecordSets",
    "route53:ChangeResourceRecordSets",
    "route53:GetChange",
]
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": allowed, "Resource": "*"}]}
iam.put_user_policy(UserName="vent", PolicyName="names", PolicyDocument=json.dumps(policy))
own = {**settings, "aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
client = boto3.client("route53", **own)
client.create_hosted_zone(Name="example.org", CallerReference="1")
# Amazon's own client is let in, and is not with another secret.
assert client.list_hosted_zones_by_name(DNSName="example.org.")["HostedZones"][0]["Name"] == "example.org."
try:
    boto3.client("route53", **{**own, "aws_secret_access_key": "wrong"}).list_hosted_zones()
except botocore.exceptions.ClientError:
    pass
else:
    raise SystemExit("moto checks no signatures")
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]))
