/* What the MIME parser takes from a part's header. For mime.c alone. */
#ifndef MESSAGE_MIME_HEADER_H
#define MESSAGE_MIME_HEADER_H

#include "message/mime.h"

/*
 * Fills P's fields, type and kind from its header BLOCK, copying into ARENA. DEEPER: the part may
 * have parts of its own. BOUNDARY_OUT is set for a multipart. False: ARENA was too full for all of
 * it, or the depth limit made it opaque.
 */
bool mime_header_read(struct mime_part *p, struct span block, struct arena *arena, bool deeper,
    struct span *boundary_out);
/* Makes it a leaf of type application/octet-stream: what is inside will not be looked at. */
void mime_header_make_opaque(struct mime_part *p);

#endif
