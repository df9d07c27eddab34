// reviews: what people say of a product. One program, three versions: v1 has no stars, v2 black ones, v3 red ones.
import { call, serve } from './service.mjs'

const { VERSION = 'v1', POD_NAME = 'reviews' } = process.env
const starColor = { v2: 'black', v3: 'red' }[VERSION]

const texts = [
  { by: 'Ida', text: 'Softer than it looks, and it looks soft.' },
  { by: 'Tomas', text: 'The edges hold after thirty washes. I counted.' },
  { by: 'Mirela', text: 'Arrived folded with care. The color is exactly as shown.' },
  { by: 'Joon', text: 'My cat has taken it over, so I ordered a second one.' },
  { by: 'Ade', text: 'Heavier than I expected, in the best way.' },
]

/** Two texts for each product, always the same ones. */
function textsFor(id) {
  const start = [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)
  return [texts[start % texts.length], texts[(start + 2) % texts.length]]
}

/** Stars are an extra: without the ratings service the texts are still worth showing. */
async function starsFor(request, id) {
  if (!starColor) return {}
  try {
    const ratings = await call(request, `http://ratings/ratings/${id}`)
    return { stars: ratings.stars, starColor }
  } catch (error) {
    return { starColor, note: `ratings are unavailable (${error.message})` }
  }
}

serve([
  [
    'GET',
    /^\/reviews\/([a-z-]+)$/,
    async (request, [id]) => ({
      version: VERSION,
      pod: POD_NAME,
      texts: textsFor(id),
      ...(await starsFor(request, id)),
    }),
  ],
])
