// SPDX-License-Identifier: Apache-2.0

/// What the controller takes from the node's configuration.
package struct ControllerSettings: Sendable {
    package let nodeID: Int32
    package let clusterID: String
    /// `num.partitions`.
    package var defaultPartitionCount: Int32 = 1
    /// `default.replication.factor`.
    package var defaultReplicationFactor: Int16 = 1
    /// `min.insync.replicas`.
    package var minInSyncReplicas: Int32 = 1
    /// `unclean.leader.election.enable`.
    package var isUncleanLeaderElectionEnabled = false
    /// `delete.topic.enable`.
    package var isTopicDeletionEnabled = true
    /// `broker.session.timeout.ms`.
    package var sessionTimeoutMilliseconds: Int64 = 9_000

    package init(nodeID: Int32, clusterID: String) {
        self.nodeID = nodeID
        self.clusterID = clusterID
    }
}
