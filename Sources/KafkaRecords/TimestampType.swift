// SPDX-License-Identifier: Apache-2.0

/// Whose clock a record's timestamp is. Records of magic 0 have no timestamp, hence no type.
public enum TimestampType: Int8, Sendable {
    /// The producer's clock.
    case createTime = 0
    /// The leader's clock at the moment of the append; all records of the batch share it.
    case logAppendTime = 1

    /// As Kafka's tools and configurations print it.
    public var name: String {
        switch self {
        case .createTime: "CreateTime"
        case .logAppendTime: "LogAppendTime"
        }
    }
}
