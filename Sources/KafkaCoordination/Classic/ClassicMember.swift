// SPDX-License-Identifier: Apache-2.0
import KafkaProtocol

/// A member of a classic group.
package struct ClassicMember: Sendable {
    /// An assignment protocol that the member offers, with what it wants the group's leader to know.
    package struct Offer: Sendable, Equatable {
        package var name: String
        package var metadata: [UInt8]

        package init(name: String, metadata: [UInt8]) {
            self.name = name
            self.metadata = metadata
        }
    }

    package internal(set) var memberID: String
    /// Of a static member (KIP-345): the name under which it comes back after a restart.
    package internal(set) var instanceID: String?
    package internal(set) var clientID: String
    package internal(set) var clientHost: String
    package internal(set) var rebalanceTimeoutMilliseconds: Int32
    package internal(set) var sessionTimeoutMilliseconds: Int32
    /// In the member's order of preference.
    package internal(set) var offers: [Offer]
    /// What the leader gave it in the current generation.
    package internal(set) var assignment: [UInt8] = []
    /// Its JoinGroup that waits for the others.
    package internal(set) var joinToken: RequestToken?
    /// The version of its last JoinGroup.
    var joinVersion: Int16 = 0
    /// Its SyncGroup that waits for the leader's.
    package internal(set) var syncToken: RequestToken?
    /// Whether its first JoinGroup has not been answered yet: it does not know its id, so it sends no heartbeats.
    package internal(set) var isNew = false

    func metadata(for protocolName: String) -> [UInt8]? {
        offers.first { $0.name == protocolName }?.metadata
    }
}

extension ClassicMember.Offer {
    init(_ offer: JoinGroupRequest.JoinGroupRequestProtocol) {
        name = offer.name
        metadata = offer.metadata
    }
}
