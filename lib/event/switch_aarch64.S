/*
 * context_switch_sp(save = x0, load = x1): the registers that a callee keeps (AAPCS64 6.1.1: x19-x30, d8-d15) go onto
 * the stack, the stack pointer to *save; those of the other stack come back. A new stack begins with x30 as the
 * address of its first function and x29 zero, which ends a backtrace.
 */
#if defined(__aarch64__) && defined(__LP64__) && !defined(POSTERN_SWITCH_UCONTEXT)
	.text
	.globl	context_switch_sp
	.hidden	context_switch_sp
	.type	context_switch_sp, %function
	.balign	16
context_switch_sp:
	.cfi_startproc
	hint	#34			/* bti c */
	sub	sp, sp, #160
	.cfi_adjust_cfa_offset 160
	stp	d8, d9, [sp, #0]
	stp	d10, d11, [sp, #16]
	stp	d12, d13, [sp, #32]
	stp	d14, d15, [sp, #48]
	stp	x19, x20, [sp, #64]
	stp	x21, x22, [sp, #80]
	stp	x23, x24, [sp, #96]
	stp	x25, x26, [sp, #112]
	stp	x27, x28, [sp, #128]
	stp	x29, x30, [sp, #144]
	mov	x9, sp
	str	x9, [x0]
	mov	sp, x1
	ldp	d8, d9, [sp, #0]
	ldp	d10, d11, [sp, #16]
	ldp	d12, d13, [sp, #32]
	ldp	d14, d15, [sp, #48]
	ldp	x19, x20, [sp, #64]
	ldp	x21, x22, [sp, #80]
	ldp	x23, x24, [sp, #96]
	ldp	x25, x26, [sp, #112]
	ldp	x27, x28, [sp, #128]
	ldp	x29, x30, [sp, #144]
	add	sp, sp, #160
	.cfi_adjust_cfa_offset -160
	ret
	.cfi_endproc
	.size	context_switch_sp, . - context_switch_sp
#endif
	.section .note.GNU-stack, "", %progbits
