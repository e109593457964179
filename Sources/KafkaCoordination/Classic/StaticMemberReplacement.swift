// SPDX-License-Identifier: Apache-2.0

/// A static member that came back while its group was stable: what was before, in case that cannot be stored.
package struct StaticMemberReplacement: Sendable {
    let token: RequestToken
    let before: ClassicMember
    let newMemberID: String
    let previousLeaderID: String?
    let apiVersion: Int16
}
