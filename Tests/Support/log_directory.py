#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads and writes Kafka's log directories, independently of the broker's own code (see kafka_files).

    log_directory.py check DIRECTORY [--interval BYTES] [--crashed] [--compacted]   one partition's directory
    log_directory.py check-root DIRECTORY [...] [--compacted-topic NAME]...         a whole log directory
    log_directory.py make CASE ROOT           a golden log directory; prints what must be found in it
    log_directory.py make-node ROOT --time MS a whole node: metadata log, a topic `t` with records
    log_directory.py cases                    the names of the cases
    log_directory.py serve                    commands from standard input, a JSON list each; answers a line each

A check prints one line of JSON, or the first fault on stderr and ends with status 1. Without `--crashed` it demands what
a clean stop leaves: batches whole, checksums right, offsets in order, indexes and snapshots in accord with the batches,
files cut to size, checkpoints well formed.
"""
import argparse
import json
import os
import sys

from kafka_files import checks, golden, node
from kafka_files.codecs import Fault


def options(parser):
    parser.add_argument("directory")
    parser.add_argument("--interval", type=int, help="log.index.interval.bytes, where the log was written in one go")
    parser.add_argument("--crashed", action="store_true", help="the log was not closed")
    parser.add_argument("--compacted", action="store_true", help="batches may have been removed")


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    options(commands.add_parser("check"))
    root = commands.add_parser("check-root")
    options(root)
    root.add_argument("--compacted-topic", action="append", default=[])
    making = commands.add_parser("make")
    making.add_argument("case", choices=golden.CASES)
    making.add_argument("directory")
    making_node = commands.add_parser("make-node")
    making_node.add_argument("directory")
    making_node.add_argument("--time", type=int, required=True, help="milliseconds since 1970, of the first record")
    commands.add_parser("cases")
    commands.add_parser("serve")
    return parser


def execute(arguments):
    if arguments.command == "cases":
        return list(golden.CASES)
    if arguments.command == "make":
        os.makedirs(f"{arguments.directory}/t-0")
        return golden.CASES[arguments.case](arguments.directory)
    if arguments.command == "make-node":
        return node.make(arguments.directory, arguments.time)
    how = checks.Options(arguments.interval, arguments.crashed, arguments.compacted)
    if arguments.command == "check":
        return checks.check_partition(arguments.directory, how)
    return checks.check_root(arguments.directory, how, arguments.compacted_topic)


def serve(parser):
    """Takes commands from lines of standard input, each a list of arguments, until it ends."""
    for line in sys.stdin:
        try:
            answer = {"result": execute(parser.parse_args(json.loads(line)))}
        except (Exception, SystemExit) as fault:  # A fault, or a file that nothing can be made of.
            answer = {"fault": f"{type(fault).__name__}: {fault}"}
        print(json.dumps(answer), flush=True)


def main():
    parser = make_parser()
    arguments = parser.parse_args()
    if arguments.command == "serve":
        serve(parser)
        return 0
    try:
        result = execute(arguments)
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 1
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
