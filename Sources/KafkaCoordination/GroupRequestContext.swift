// SPDX-License-Identifier: Apache-2.0
package import KafkaBase

/// What a decision about a request needs to know beside the request.
package struct GroupRequestContext: Sendable {
    /// Milliseconds since 1970.
    package var now: Int64
    package var apiVersion: Int16
    /// Empty where the client gave none; so much of it as a record can hold.
    package var clientID: String
    /// As Kafka's tools show it: `/192.0.2.1`.
    package var clientHost: String
    /// Random bits for the id of a new member.
    package var freshID: KafkaUUID
    /// By which effects name this request where it is parked.
    package var token: RequestToken
    package var metadata: any GroupMetadataView

    /// Bytes of a text in a record. What a request's body brings has no more; a client id that is no UTF-8 may.
    static let textBytesMax = Int(Int16.max)

    package init(
        now: Int64, apiVersion: Int16, clientID: String, clientHost: String, freshID: KafkaUUID,
        token: RequestToken,
        metadata: any GroupMetadataView
    ) {
        self.now = now
        self.apiVersion = apiVersion
        self.clientID = clientID.clipped(toUTF8Bytes: Self.textBytesMax)
        self.clientHost = clientHost
        self.freshID = freshID
        self.token = token
        self.metadata = metadata
    }
}

/// What the coordinator wants to know about the cluster's topics: one consistent image of them.
package protocol GroupMetadataView: Sendable {
    /// Grows with every change of the image, so that what was made from an older one is told apart.
    var version: Int64 { get }
    /// All topics, ascending; regular expressions are matched against them.
    var topicNames: [String] { get }
    func topicID(named name: String) -> KafkaUUID?
    func topicName(of id: KafkaUUID) -> String?
    /// Nil for a topic that does not exist.
    func partitionCount(of id: KafkaUUID) -> Int?
    /// The racks of the brokers that hold replicas of a partition, ascending, without doubles.
    func racks(of id: KafkaUUID, partition: Int32) -> [String]
}

extension String {
    /// Its beginning, whole characters in at most so many bytes.
    func clipped(toUTF8Bytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: limit)
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(unicodeScalars[..<end])
    }
}
