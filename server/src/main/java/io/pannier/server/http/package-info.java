/**
 * The transport: connections, requests, bodies, responses; all of Netty is in here. Start at {@link
 * io.pannier.server.http.Exchange}, which is what routes see, then {@link
 * io.pannier.server.http.FrontDoor}, which decides what a connection speaks, and {@link
 * io.pannier.server.http.Link}, which HTTP/1 and HTTP/2 have in common. Everything about a
 * connection happens on its event loop; workers meet it in the body and the response stream.
 */
@NullMarked
package io.pannier.server.http;

import org.jspecify.annotations.NullMarked;
