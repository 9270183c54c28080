/** The HTTP front: routes, headers, bodies. */
@NullMarked
package io.pannier.server.http;

import org.jspecify.annotations.NullMarked;
