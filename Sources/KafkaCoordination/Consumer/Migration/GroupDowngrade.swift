// SPDX-License-Identifier: Apache-2.0

/// What made a classic group of a consumer group.
package enum GroupDowngrade: Sendable {
    /// Its last member of the consumer protocol left: the others divide up what it had.
    case memberLeft
    /// A static member that came back with the classic protocol took its place and its partitions. Where all members had
    /// what they should have, nobody else notices; else they still have to divide up the rest.
    case memberReplaced(isStable: Bool)
}
