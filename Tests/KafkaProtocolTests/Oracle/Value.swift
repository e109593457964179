// SPDX-License-Identifier: Apache-2.0

/// A value of a schema type, as the oracle holds it: independent of the generated types.
indirect enum Value: Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(UInt64)
    case uuid(UInt64, UInt64)
    case text(String)
    case bytes([UInt8])
    case array([Value])
    case structure(Record)

    struct Record: Equatable {
        var fields: [String: Value]
        var unknown: [Tag]
    }

    struct Tag: Equatable {
        var tag: UInt32
        var bytes: [UInt8]
    }
}
