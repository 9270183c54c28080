package io.pannier.replicate;

import io.pannier.client.RemoteServer;
import java.util.Optional;

/**
 * A task with everything that is known of it at a moment: for diagnostics, and for metrics.
 *
 * @param settings without the token
 * @param diagnostics what became of records
 * @param progress what is still to be done, and how fast
 * @param destination what it said about itself last; empty before it was reached
 * @param sentPlain whether bodies travel uncompressed although the settings say otherwise, because
 *     the destination does not take them
 */
public record ReplicationDetail(
    ReplicationInfo info,
    ReplicationSettings settings,
    Diagnostics.Report diagnostics,
    Progress progress,
    Optional<RemoteServer> destination,
    boolean sentPlain) {}
