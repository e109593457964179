// SPDX-License-Identifier: Apache-2.0

/// The settings of consumer groups, each by its Kafka key. Times are milliseconds.
package struct ConsumerGroupConfiguration: Sendable, Equatable {
    /// `group.consumer.migration.policy`: which groups may change their protocol while they have members.
    package enum MigrationPolicy: String, Sendable, CaseIterable {
        case disabled
        /// From classic to consumer.
        case upgrade
        /// From consumer to classic.
        case downgrade
        case bidirectional

        var allowsUpgrade: Bool { self == .upgrade || self == .bidirectional }
        var allowsDowngrade: Bool { self == .downgrade || self == .bidirectional }
    }

    /// What a single group sets for itself, as configuration of the resource type GROUP.
    package struct GroupOverrides: Sendable, Equatable {
        /// `consumer.session.timeout.ms`
        package var sessionTimeoutMilliseconds: Int32?
        /// `consumer.heartbeat.interval.ms`
        package var heartbeatIntervalMilliseconds: Int32?
        /// `consumer.assignment.interval.ms`
        package var assignmentIntervalMilliseconds: Int32?

        package init(
            sessionTimeoutMilliseconds: Int32? = nil, heartbeatIntervalMilliseconds: Int32? = nil,
            assignmentIntervalMilliseconds: Int32? = nil
        ) {
            self.sessionTimeoutMilliseconds = sessionTimeoutMilliseconds
            self.heartbeatIntervalMilliseconds = heartbeatIntervalMilliseconds
            self.assignmentIntervalMilliseconds = assignmentIntervalMilliseconds
        }
    }

    /// `group.consumer.session.timeout.ms`
    package var sessionTimeoutMilliseconds: Int32 = 45_000
    /// `group.consumer.min.session.timeout.ms` and `group.consumer.max.session.timeout.ms`: what a group may set.
    package var sessionTimeoutRange: ClosedRange<Int32> = 45_000...60_000
    /// `group.consumer.heartbeat.interval.ms`
    package var heartbeatIntervalMilliseconds: Int32 = 5_000
    /// `group.consumer.min.heartbeat.interval.ms` and `group.consumer.max.heartbeat.interval.ms`: what a group may set.
    package var heartbeatIntervalRange: ClosedRange<Int32> = 5_000...15_000
    /// `group.consumer.max.size`: members of a group.
    package var maxSize: Int32 = .max
    /// `group.consumer.assignors`: what members may choose from; the first is taken where none chooses. Never empty.
    package var assignors: [ServerAssignor] = [.uniform, .range]
    /// `group.consumer.migration.policy`
    package var migrationPolicy = MigrationPolicy.bidirectional
    /// `group.consumer.regex.refresh.interval.ms`
    package var regexRefreshIntervalMilliseconds: Int64 = 600_000
    /// `group.consumer.assignment.interval.ms`: the least time between two target assignments of a group.
    package var assignmentIntervalMilliseconds: Int32 = 0
    /// `group.consumer.min.assignment.interval.ms` and `group.consumer.max.assignment.interval.ms`: what a group may set.
    package var assignmentIntervalRange: ClosedRange<Int32> = 0...15_000
    /// By group.
    package var overrides: [String: GroupOverrides] = [:]

    /// How often patterns are looked through again at most because topics have changed; in Kafka a constant.
    package static let regexRefreshMinIntervalMilliseconds: Int64 = 10_000

    package init() {}

    /// The session timeout of a group's members, what it sets for itself brought into the allowed range.
    package func sessionTimeout(of groupID: String) -> Int32 {
        guard let own = overrides[groupID]?.sessionTimeoutMilliseconds else { return sessionTimeoutMilliseconds }
        return min(max(own, sessionTimeoutRange.lowerBound), sessionTimeoutRange.upperBound)
    }

    /// The interval that a group's members are told to send heartbeats in.
    package func heartbeatInterval(of groupID: String) -> Int32 {
        guard let own = overrides[groupID]?.heartbeatIntervalMilliseconds else { return heartbeatIntervalMilliseconds }
        return min(max(own, heartbeatIntervalRange.lowerBound), heartbeatIntervalRange.upperBound)
    }

    /// The least time between two target assignments of a group (KIP-1263).
    package func assignmentInterval(of groupID: String) -> Int32 {
        guard let own = overrides[groupID]?.assignmentIntervalMilliseconds else {
            return assignmentIntervalMilliseconds
        }
        return min(max(own, assignmentIntervalRange.lowerBound), assignmentIntervalRange.upperBound)
    }
}
