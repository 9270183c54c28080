package io.pannier.server.http;

import io.pannier.model.Refusal;
import java.util.Map;

/**
 * How a server of HTTP is doing: what is open and waits at this moment, and what was counted since
 * its start.
 *
 * @param connections open now
 * @param connectionsMax that may be
 * @param connectionsOpened since the start
 * @param connectionsRefused since the start, for there were too many
 * @param streams of HTTP/2 open now
 * @param inFlight requests that are not answered
 * @param malformed what was no request, by status
 * @param refused requests that were refused for now, by reason
 * @param workers threads for blocking work
 * @param workersBusy that do some
 * @param queue work that waits for one
 * @param queueMax that may wait
 * @param memoryBytes of bodies and heads held until they are complete
 * @param memoryMax that may be held
 * @param memoryWaiting requests that wait for such memory
 * @param socketMemoryBytes of buffers outside the heap for sockets, in use or kept
 * @param socketMemoryMax that such buffers may take
 * @param unrouted requests that fitted no route
 */
public record HttpStats(
    int connections,
    int connectionsMax,
    long connectionsOpened,
    long connectionsRefused,
    int streams,
    long inFlight,
    Map<Integer, Long> malformed,
    Map<Refusal, Long> refused,
    int workers,
    int workersBusy,
    int queue,
    int queueMax,
    long memoryBytes,
    long memoryMax,
    int memoryWaiting,
    long socketMemoryBytes,
    long socketMemoryMax,
    RouteMeter unrouted) {}
