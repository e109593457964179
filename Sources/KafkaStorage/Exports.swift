// SPDX-License-Identifier: Apache-2.0
// What a program sees of the modules below when it imports KafkaStorage: identifiers, error codes, batches, the runtime.
@_exported public import KafkaBase
@_exported public import KafkaRecords
@_exported public import KafkaRuntime
