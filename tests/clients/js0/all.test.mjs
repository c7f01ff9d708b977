// All tests of JavaScript clients 0.x, in one process, in this order: they share an index, which the last one deletes.

import './base_url.mjs'
import './lacks.mjs'
import './indexes.mjs'
import './tasks.mjs'
import './transfers.mjs'
import './videos.mjs'
import './search.mjs'
import './image_search.mjs'
import './embed.mjs'
import './generate.mjs'
import './errors.mjs'
import './last.mjs'
