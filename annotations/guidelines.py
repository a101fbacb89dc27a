"""What annotators are asked to do: section 3 of the paper as a text, and the text's version.

Every submission stores the version it was made under; change it whenever the meaning of the text
changes, because labels made under different rules must not be mixed unseen.
"""

GUIDELINE_VERSION = "1"

GUIDELINES = """\
### What you see
A key of one feed-forward layer, and the prefixes (beginnings of sentences, up to the marked last \
token) that activate it most. Rank 1 activates it most strongly. The token after the mark is what \
came next in the text; the key has not seen it, so it is not part of any pattern.

### What to do
1. Read all prefixes and look for what several of them share. A **pattern** must occur in \
**at least 3** prefixes.
2. Describe each pattern in words that would let a colleague find the same prefixes.
3. Say what kind it is:
   - **shallow**: the same words or characters come back, such as an ending word, a phrase or a \
piece of punctuation. You could find it with a text search.
   - **semantic**: the same topic or meaning comes back in different words. You could not find it \
with one text search.
4. Tick each prefix that contains the pattern. A prefix may contain none, one or several patterns, \
of either kind.

Look at the end of the prefixes first, then at the whole. If nothing comes back in 3 prefixes, say \
that you found no pattern; that is a result too. Do not guess what the key is "for", and do not \
stretch a pattern to cover one more prefix.

### A shallow example
> 1. The harbour was closed **as a result**
> 2. Prices fell in spring, and **as a result**
> 3. Two bridges were rebuilt **as a result**
> 4. The choir sang until midnight

Pattern: *ends with "as a result"*, shallow, ticked in 1, 2 and 3. Prefix 4 stays without a tick.

### A semantic example
> 1. The goalkeeper saved a penalty in the last minute
> 2. She won her second Olympic medal in rowing
> 3. After the third set the champion served
> 4. The committee met in the town hall

Pattern: *sports competitions*, semantic, ticked in 1, 2 and 3. No word is common to them; the \
topic is.
"""
