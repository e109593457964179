# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka's files on disk, read and written independently of the broker's own code, with the standard library."""
